import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readDashboards } from "./testing/dashboard-queries.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const readYaml = <T>(path: string): T => parse(readFileSync(ROOT + path, "utf8"), { merge: true }) as T;

interface Rules {
  groups: {
    rules: { alert?: string; labels?: Record<string, string>; annotations?: Record<string, string> }[];
  }[];
}

describe("dashboards", () => {
  const dashboards = readDashboards();
  const { datasources } = readYaml<{ datasources: { uid: string; type: string }[] }>(
    "observability/grafana/datasources.yaml",
  );

  it("have unique ids, and so have their panels", () => {
    const uids = dashboards.map(({ uid }) => uid);
    expect(new Set(uids).size).toBe(uids.length);
    expect(uids.length).toBeGreaterThan(0);
    for (const { panels } of dashboards) expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });

  it("lie on Grafana's grid without overlaps", () => {
    for (const { file, panels } of dashboards) {
      const taken = new Set<string>();
      for (const { title, gridPos } of panels) {
        expect(gridPos.x + gridPos.w, `${file}, ${title}`).toBeLessThanOrEqual(24);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
            expect(taken.has(`${x},${y}`), `${file}, ${title} overlaps another panel`).toBe(false);
            taken.add(`${x},${y}`);
          }
        }
      }
    }
  });

  it("query the provisioned datasources, and link every panel to traces", () => {
    const uidOf = (type: string) => datasources.find((datasource) => datasource.type === type)?.uid;
    for (const { panels } of dashboards) {
      for (const { type, datasource, targets = [], links = [] } of panels) {
        if (type === "row") continue;
        const asked = [datasource, ...targets.map((target) => target.datasource)].map((one) => one?.uid);
        expect(new Set(asked)).toEqual(new Set([uidOf("prometheus")]));
        const [panes = ""] = links.map(({ url }) => new URL(url, "http://grafana").searchParams.get("panes"));
        const explored = JSON.parse(panes ?? "") as {
          a: { datasource: string; queries: { service: string }[] };
        };
        expect(explored.a.datasource).toBe(uidOf("jaeger"));
        expect(explored.a.queries[0]?.service).toMatch(/^syncline-(ingest|worker|conflict)$/);
      }
    }
  });
});

describe("alerts", () => {
  const { groups } = readYaml<Rules>("observability/rules/syncline.yaml");
  const alerts = groups.flatMap(({ rules }) => rules.filter(({ alert }) => alert !== undefined));
  const names = new Set(alerts.map(({ alert }) => alert));

  it("have a severity and a runbook", () => {
    for (const { alert, labels, annotations } of alerts) {
      expect(labels?.["severity"], alert).toMatch(/^(page|ticket)$/);
      expect(annotations?.["summary"], alert).toBeTruthy();
      expect(existsSync(ROOT + (annotations?.["runbook"] ?? "?")), `${alert}'s runbook`).toBe(true);
    }
  });

  it("are named by their runbook", () => {
    for (const { alert, annotations } of alerts) {
      expect(readFileSync(ROOT + (annotations?.["runbook"] ?? ""), "utf8")).toContain(`\`${alert}\``);
    }
  });

  it("are each raised by a test", () => {
    const { tests } = readYaml<{
      tests: { alert_rule_test?: { alertname: string; exp_alerts?: unknown[] }[] }[];
    }>("observability/rules-tests/syncline.test.yaml");
    const tested = tests.flatMap((test) => test.alert_rule_test ?? []);
    const going = tested
      .filter(({ exp_alerts = [] }) => exp_alerts.length > 0)
      .map(({ alertname }) => alertname);
    expect(new Set(going)).toEqual(names);
  });
});

interface ComposeService {
  image?: string;
  volumes?: string[];
  environment?: Record<string, string>;
  command?: string | string[];
}

describe("the stack of docker-compose.yml", () => {
  const { services } = readYaml<{ services: Record<string, ComposeService> }>("docker-compose.yml");

  it("mounts existing files", () => {
    const mounted = Object.values(services).flatMap(({ volumes = [] }) =>
      volumes.filter((volume) => volume.startsWith("./")).map((volume) => volume.split(":")[0] ?? ""),
    );
    expect(mounted.length).toBeGreaterThan(0);
    for (const path of mounted) expect(existsSync(ROOT + path), path).toBe(true);
  });

  it("pins every image", () => {
    for (const { image } of Object.values(services)) {
      if (image !== undefined) expect(image).toMatch(/:v?\d+[\w.-]*$/);
    }
  });

  it("gives the previous secret to the services that check tokens, and an empty one if there is none", () => {
    for (const name of ["ingest", "conflict"])
      expect(services[name]?.environment, name).toMatchObject({
        JWT_SECRET_PREVIOUS: "${JWT_SECRET_PREVIOUS:-}",
      });
  });

  it("limits the memory of Redis, which the alert on its usage needs", () => {
    expect(services["redis"]?.command).toMatch(/ --maxmemory \d+gb /);
  });

  it("has Prometheus scrape the services' metrics ports", () => {
    const { scrape_configs } = readYaml<{
      scrape_configs: { job_name: string; dns_sd_configs: { names: string[]; port: number }[] }[];
    }>("observability/prometheus.yaml");
    const dockerfile = readFileSync(`${ROOT}Dockerfile`, "utf8");
    for (const { job_name, dns_sd_configs } of scrape_configs) {
      const name = dns_sd_configs[0]?.names[0] ?? "";
      expect(job_name).toBe(`syncline-${name}`);
      const ownPort = services[name]?.environment?.["METRICS_PORT"];
      const servicePort = new RegExp(`AS ${name}\nENV PORT=(\\d+)`).exec(dockerfile)?.[1];
      expect(String(dns_sd_configs[0]?.port), name).toBe(ownPort ?? servicePort);
    }
  });

  it("sends traces through a pipeline whose parts the collector has", () => {
    const collector = readYaml<
      Record<"receivers" | "processors" | "exporters" | "extensions", object> & {
        service: {
          extensions: string[];
          pipelines: Record<string, Record<"receivers" | "processors" | "exporters", string[]>>;
        };
      }
    >("observability/collector.yaml");
    const { extensions, pipelines } = collector.service;
    expect(extensions).toEqual(Object.keys(collector.extensions));
    for (const kind of ["receivers", "processors", "exporters"] as const) {
      const used = new Set(Object.values(pipelines).flatMap((pipeline) => pipeline[kind]));
      expect(used).toEqual(new Set(Object.keys(collector[kind])));
    }
  });
});
