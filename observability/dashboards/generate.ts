// Writes grafana/dashboards/*.json from dashboards.ts.
//
//   npm run dashboards              writes the files
//   npm run dashboards -- --check   only checks, and fails if they are stale
import { readFileSync, writeFileSync } from "node:fs";
import { format, resolveConfig } from "prettier";
import { DASHBOARDS } from "./dashboards.ts";
import { renderDashboard } from "./panels.ts";

const FOLDER = new URL("../grafana/dashboards/", import.meta.url);
const isCheck = process.argv.includes("--check");

for (const [name, spec] of Object.entries(DASHBOARDS)) {
  const file = new URL(`${name}.json`, FOLDER);
  const options = { ...(await resolveConfig(file)), parser: "json" };
  const fresh = await format(JSON.stringify(renderDashboard(spec)), options);
  if (fresh === readOrNothing(file)) continue;
  if (isCheck) {
    console.error(
      `observability/grafana/dashboards/${name}.json is stale: run npm run dashboards, and commit it.`,
    );
    process.exitCode = 1;
  } else {
    writeFileSync(file, fresh);
    console.log(`observability/grafana/dashboards/${name}.json is written.`);
  }
}

function readOrNothing(file: URL): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // does not exist yet
  }
}
