import { spawnSync } from "node:child_process";

/** Builds the services as for production: compiled by tsc. */
export function buildServices(): void {
  const { status } = spawnSync("npm", ["run", "--silent", "build"], { stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error("npm run build failed (see its output above).");
}
