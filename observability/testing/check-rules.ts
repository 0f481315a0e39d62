// Runs Prometheus's own checks on its configuration, the alert rules and their tests, and the dashboards' queries.
//
//   npm run test:rules
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { findPromtool } from "./find-promtool.ts";
import { dashboardQueries } from "./dashboard-queries.ts";

const HERE = fileURLToPath(new URL("..", import.meta.url));
const promtool = findPromtool();
const folder = mkdtempSync(join(tmpdir(), "syncline-rules-"));
try {
  const rules = dashboardQueries().map(({ expr }, index) => ({ record: `dashboard:query:${index}`, expr }));
  const file = join(folder, "dashboards.yaml");
  writeFileSync(file, stringify({ groups: [{ name: "dashboards", rules }] }));
  const commands = [
    ["check", "config", "--syntax-only", "prometheus.yaml"],
    ["check", "rules", "rules/syncline.yaml"],
    ["test", "rules", "rules-tests/syncline.test.yaml"],
    ["check", "rules", file],
  ];
  for (const args of commands) {
    const { status, error } = spawnSync(promtool, args, { cwd: HERE, stdio: "inherit" });
    if (error) throw error;
    if (status !== 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}
