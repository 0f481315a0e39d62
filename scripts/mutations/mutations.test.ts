import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { findChange, looseNamesOf } from "./find-change.ts";
import { findTest } from "./find-test.ts";
import { mutationsOf } from "./mutation.ts";
import { MUTATIONS } from "./mutations.ts";
import { readSourceCode } from "./source-code.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

describe("the mutations", () => {
  const all = mutationsOf(MUTATIONS);
  const code = readSourceCode(ROOT, new Set(all.map(({ change }) => change.in)));

  test("have names of their own", () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  });

  test.each(all)("$name fits the sources", ({ change }) => {
    expect(looseNamesOf(change, findChange(code, change))).toEqual([]);
  });

  test.each(all)("$name names a test", ({ caughtBy }) => {
    const text = readFileSync(join(ROOT, findTest(ROOT, caughtBy)), "utf8");
    expect(text.replaceAll(/\s+/g, " ")).toContain(caughtBy.title ?? "");
  });
});
