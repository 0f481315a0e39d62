import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

interface LockedPackage {
  readonly integrity?: string;
  readonly link?: true;
  readonly optional?: true;
}

const ROOT = new URL("../", import.meta.url);

function downloadedPackages(): [path: string, LockedPackage][] {
  const text = readFileSync(new URL("package-lock.json", ROOT), "utf8");
  const { packages } = JSON.parse(text) as { packages: Record<string, LockedPackage> };
  const downloaded = Object.entries(packages).filter(
    ([path, { link }]) => path.includes("node_modules/") && link !== true,
  );
  expect(downloaded.length).toBeGreaterThan(100);
  return downloaded;
}

it("the lockfile has the hash of every package, so that npm installs nothing else", () => {
  const unhashed = downloadedPackages().filter(([, { integrity }]) => !integrity?.startsWith("sha512-"));
  expect(unhashed.map(([path]) => path)).toEqual([]);
});

it("no package needs a compiler, which a machine with only Node does not have", () => {
  // npm compiles a package with this file; a failure is ignored for optional ones only.
  const compiled = downloadedPackages().filter(
    ([path, { optional }]) =>
      optional !== true && existsSync(fileURLToPath(new URL(`${path}/binding.gyp`, ROOT))),
  );
  expect(compiled.map(([path]) => path)).toEqual([]);
});
