import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadModule } from "./load-module.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "syncline-load-module-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function modulePath(name: string, source: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, source);
  return path;
}
const load = (path: string | undefined) =>
  loadModule("RULES", path, (rules: { most: number }) => {
    if (typeof rules.most !== "number") throw new TypeError("most must be a number");
    return rules;
  });

it("returns the default export as read", async () => {
  expect(await load(await modulePath("good.mjs", "export default { most: 3 }"))).toEqual({ most: 3 });
});

it("returns undefined if the variable is unset", async () => {
  expect(await load(undefined)).toBeUndefined();
});

it("names the variable and the module that does not exist", async () => {
  const path = join(folder, "missing.mjs");
  await expect(load(path)).rejects.toThrow(
    `RULES names ${path}, which does not exist: correct it (relative paths start at ${process.cwd()}), or unset RULES`,
  );
});

it.each([
  ["throws.mjs", "throw new RangeError('too many')", "RangeError: too many"],
  ["no-default.mjs", "export const most = 3", "TypeError: It has no default export."],
  ["wrong.mjs", "export default { most: 'many' }", "TypeError: most must be a number"],
])("names the module %s that cannot be used, with the reason", async (name, source, reason) => {
  const path = await modulePath(name, source);
  await expect(load(path)).rejects.toThrow(
    `RULES names ${path}, which cannot be used (${reason}): correct it, or unset RULES`,
  );
});
