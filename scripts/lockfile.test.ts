import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

interface LockedPackage {
  readonly integrity?: string;
  readonly link?: true;
}

it("the lockfile has the hash of every package, so that npm installs nothing else", () => {
  const text = readFileSync(new URL("../package-lock.json", import.meta.url), "utf8");
  const { packages } = JSON.parse(text) as { packages: Record<string, LockedPackage> };
  const downloaded = Object.entries(packages).filter(
    ([path, { link }]) => path.includes("node_modules/") && link !== true,
  );
  expect(downloaded.length).toBeGreaterThan(100);
  const unhashed = downloaded.filter(([, { integrity }]) => !integrity?.startsWith("sha512-"));
  expect(unhashed.map(([path]) => path)).toEqual([]);
});
