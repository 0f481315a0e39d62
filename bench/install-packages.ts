import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const BENCH = fileURLToPath(new URL(".", import.meta.url));

/** Installs the benchmarks' own packages if they are missing or outdated. */
export function installPackages(): void {
  const { dependencies } = readJson(`${BENCH}package.json`) as { dependencies: Record<string, string> };
  const missing = Object.entries(dependencies).filter(([name, version]) => readVersion(name) !== version);
  if (missing.length === 0) return;
  console.error(
    `Installing the benchmarks' packages: ${missing.map(([name]) => name).join(", ")} (npm ci in bench/).`,
  );
  const { status } = spawnSync("npm", ["ci"], { cwd: BENCH, stdio: ["ignore", 2, 2] });
  if (status !== 0) {
    throw new Error(
      "npm ci failed in bench/ (see its output above), so the alternatives cannot be measured.",
    );
  }
}

function readVersion(name: string): string | undefined {
  const path = `${BENCH}node_modules/${name}/package.json`;
  return existsSync(path) ? (readJson(path) as { version: string }).version : undefined;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}
