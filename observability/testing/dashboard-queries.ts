import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

export interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { uid: string };
  targets?: { expr: string; datasource: { uid: string } }[];
  links?: { url: string }[];
}

export interface Dashboard {
  file: string;
  uid: string;
  panels: Panel[];
}

const FOLDER = fileURLToPath(new URL("../grafana/dashboards/", import.meta.url));

/** Reads the dashboards as Grafana does. */
export function readDashboards(): Dashboard[] {
  return globSync(`${FOLDER}*.json`).map((path) => ({
    file: basename(path),
    ...(JSON.parse(readFileSync(path, "utf8")) as Omit<Dashboard, "file">),
  }));
}

/** Lists every query of every dashboard, with the interval that Grafana would fill in. */
export function dashboardQueries(): { where: string; expr: string }[] {
  return readDashboards().flatMap(({ file, panels }) =>
    panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({
        where: `${file}, ${title}`,
        expr: expr.replaceAll("$__rate_interval", "1m"),
      })),
    ),
  );
}
