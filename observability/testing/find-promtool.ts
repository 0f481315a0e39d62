import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const CACHE = fileURLToPath(new URL("../../node_modules/.cache/syncline/", import.meta.url));

/**
 * Finds Prometheus's `promtool` on this machine; otherwise takes it from Debian's package, once. The package is not
 * installed: it would bring a daemon and a hundred other packages.
 */
export function findPromtool(): string {
  if (spawnSync("promtool", ["--version"], { stdio: "ignore" }).status === 0) return "promtool";
  const cached = join(CACHE, "promtool");
  if (!existsSync(cached)) bringPromtool(cached);
  return cached;
}

function bringPromtool(target: string): void {
  const folder = mkdtempSync(join(tmpdir(), "syncline-promtool-"));
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { cwd: folder, stdio: ["ignore", 2, 2] });
  try {
    run("apt-get", "update", "-qq");
    run("apt-get", "download", "-qq", "prometheus");
    const [archive = ""] = readdirSync(folder);
    run("dpkg-deb", "--extract", archive, "package");
    mkdirSync(CACHE, { recursive: true });
    run("cp", join("package", "usr", "bin", "promtool"), `${target}.new`);
    renameSync(`${target}.new`, target);
  } catch (error) {
    throw new Error(
      "promtool was not found, and Debian's package prometheus could not be downloaded: install Prometheus, or run this as root on Debian.",
      { cause: error },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
