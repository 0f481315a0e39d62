import { spawnSync } from "node:child_process";

/** What is measured is what runs in production: what tsc made of the sources as they are. */
export function buildServices(): void {
  const { status } = spawnSync("npm", ["run", "--silent", "build"], { stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error("npm run build failed (see above).");
}
