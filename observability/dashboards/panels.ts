/** The datasources' uids in grafana/datasources.yaml. */
const PROMETHEUS = { type: "prometheus", uid: "syncline-prometheus" };
const JAEGER = { type: "jaeger", uid: "syncline-jaeger" };

export type Unit = "s" | "short" | "ops" | "reqps" | "percentunit" | "bytes" | "bool";

/** A search for the traces behind a panel. */
export interface TraceSearch {
  service: "syncline-ingest" | "syncline-worker" | "syncline-conflict";
  operation: string;
  /** In the syntax of Jaeger's search: `key=value`, separated by spaces. */
  tags?: string;
}

/** A query, and the name of its series. */
export type Query = readonly [expr: string, legend: string];

export interface PanelSpec {
  title: string;
  description: string;
  unit: Unit;
  queries: readonly Query[];
  traces: TraceSearch;
  kind?: "timeseries" | "stat";
}

export interface DashboardSpec {
  uid: string;
  title: string;
  description: string;
  /** `width` is a panel's, in 24ths of the dashboard's; by default a row's panels share it. */
  rows: readonly { title: string; width?: number; panels: readonly PanelSpec[] }[];
}

const ROW_HEIGHT = 8;
const STAT_HEIGHT = 4;
const WIDTH = 24;

/** Renders a dashboard as Grafana's JSON, row by row, from left to right. */
export function renderDashboard({ uid, title, description, rows }: DashboardSpec): Record<string, unknown> {
  const panels: unknown[] = [];
  let y = 0;
  for (const row of rows) {
    const gridPos = { x: 0, y, w: WIDTH, h: 1 };
    panels.push({
      id: panels.length + 1,
      type: "row",
      title: row.title,
      collapsed: false,
      gridPos,
      panels: [],
    });
    y += 1;
    let x = 0;
    let height = 0;
    for (const spec of row.panels) {
      const w = row.width ?? Math.floor(WIDTH / row.panels.length);
      const h = spec.kind === "stat" ? STAT_HEIGHT : ROW_HEIGHT;
      if (x + w > WIDTH) [x, y, height] = [0, y + height, 0];
      panels.push(renderPanel(spec, panels.length + 1, { x, y, w, h }));
      x += w;
      height = Math.max(height, h);
    }
    y += height;
  }
  return {
    uid,
    title,
    description,
    tags: ["syncline"],
    schemaVersion: 41,
    version: 1,
    editable: false,
    timezone: "",
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    links: [
      {
        type: "dashboards",
        tags: ["syncline"],
        title: "Syncline",
        asDropdown: true,
        keepTime: true,
        includeVars: false,
      },
    ],
    templating: { list: [] },
    annotations: { list: [] },
    panels,
  };
}

function renderPanel(spec: PanelSpec, id: number, gridPos: object): Record<string, unknown> {
  const { title, description, unit, queries, traces, kind = "timeseries" } = spec;
  return {
    id,
    type: kind,
    title,
    description,
    gridPos,
    datasource: PROMETHEUS,
    links: [{ title: "Traces", url: traceUrl(traces), targetBlank: true }],
    targets: queries.map(([expr, legendFormat], index) => ({
      refId: String.fromCodePoint(65 + index),
      datasource: PROMETHEUS,
      expr,
      legendFormat,
      range: kind === "timeseries",
      instant: kind === "stat",
    })),
    fieldConfig: {
      defaults: { unit, min: 0, custom: kind === "stat" ? {} : { fillOpacity: 10 } },
      overrides: [],
    },
    options:
      kind === "stat"
        ? { reduceOptions: { calcs: ["lastNotNull"] }, colorMode: "none", graphMode: "none" }
        : { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi", sort: "desc" } },
  };
}

/** Builds a link to Grafana's Explore with a search for traces, over the dashboard's time range. */
function traceUrl({ service, operation, tags = "" }: TraceSearch): string {
  const query = { refId: "A", datasource: JAEGER, queryType: "search", service, operation, tags, limit: 20 };
  const pane = { datasource: JAEGER.uid, queries: [query], range: { from: "FROM", to: "TO" } };
  const panes = encodeURIComponent(JSON.stringify({ a: pane }));
  // Grafana fills in the times, which must stay unencoded for that.
  return `/explore?schemaVersion=1&orgId=1&panes=${panes}`
    .replace("FROM", "${__from}")
    .replace("TO", "${__to}");
}
