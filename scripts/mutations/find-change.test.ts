import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applyChange, findChange, looseNamesOf } from "./find-change.ts";
import type { Change } from "./mutation.ts";
import { readSourceCode } from "./source-code.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "syncline-find-change-"));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const CODE = `
export function admit(total: number, share = 'half'): string | undefined {
  const left = total - 1; // what others leave
  if (left > 0 && share !== 'none') return share;
  return undefined;
}
`;
const CHANGE: Change = { in: "admit", find: '$left > 0 && $share !== "none"', replace: "$share" };

describe("a change", () => {
  it("is made at its only place", () => {
    write("libs/kit/src/admit.ts", CODE);
    expect(changed(CHANGE)).toBe(CODE.replace("left > 0 && share !== 'none'", "share"));
  });

  it.each([
    ["a new layout", CODE.replace("left > 0 &&", "\n    left > 0 && // or more\n   ")],
    ["other quotes", CODE.replaceAll("'", '"')],
    ["another name of a variable", CODE.replaceAll("left", "rest")],
    ["a class around it", CODE.replace("export function", "export class Gate {\n") + "}"],
    ["a constant instead of a function", CODE.replace("function admit(", "const admit = function (")],
  ])("survives %s", (_what, code) => {
    write("libs/kit/src/admit.ts", code);
    expect(changed(CHANGE)).toMatch(/if \(\s*share\) return share;/);
  });

  it("survives a move to another file", () => {
    write("services/worker/src/core/deep/gate.ts", CODE);
    expect(changed(CHANGE)).toContain("if (share) return share;");
  });

  it("is found in one of several declarations of a name, but not in a test", () => {
    write("libs/kit/src/other.ts", "export function admit() {}");
    write("libs/kit/src/admit.test.ts", CODE);
    write("libs/kit/src/admit.ts", CODE);
    expect(changed(CHANGE)).toContain("if (share) return share;");
  });

  it("keeps the code of its gaps", () => {
    write("libs/kit/src/admit.ts", CODE);
    const change = { in: "admit", find: "$total - 1; … return $share", replace: "$total; … return $total" };
    expect(changed(change)).toContain("left = total; if (left > 0 && share !== 'none') return total;");
  });

  it("is not made if a placeholder would stand for two names", () => {
    write("libs/kit/src/admit.ts", CODE);
    expect(() => changed({ in: "admit", find: "$one > 0 && $one" })).toThrow("occurs 0 times");
  });

  it("is not made if there are two places for it, or no declaration", () => {
    write("libs/kit/src/admit.ts", CODE);
    expect(() => changed({ in: "admit", find: "return" })).toThrow("occurs 2 times: return");
    expect(() => changed({ in: "refuse", find: "return" })).toThrow("no declaration or file named refuse");
  });

  it.each([
    ["{ a: 1, b: 2 }", "{ a: 1,  }"],
    ["{ b: 2, a: 1 }", "{  a: 1 }"],
    ["{\n  b: 2,\n}", "{\n  \n}"],
  ])("that removes a member of %s takes its comma along", (code, expected) => {
    write("libs/kit/src/admit.ts", `const limits = ${code};`);
    expect(changed({ in: "limits", find: "b: 2" })).toBe(`const limits = ${expected};`);
  });

  it("is made in SQL and Lua, whatever the whitespace and the comments", () => {
    write("libs/store/src/sql/drop.sql", "DELETE FROM a\n  -- only old ones, 'expired'\n  WHERE a.id = $1;");
    expect(changed({ in: "drop.sql", find: "a WHERE a.id = $1" })).toBe("DELETE FROM ;");
  });
});

describe("a change's loose names", () => {
  it.each([
    ["a variable", { find: "left > 0", replace: "true" }, ["left"]],
    ["a variable of the new code", { find: "$left > 0", replace: "total > 0" }, ["total"]],
    ["an unbound placeholder", { find: "$left > 0", replace: "$total > 0" }, ["$total"]],
    ["an unknown name", { find: "$left > 0", replace: "unheardOf($left)" }, ["unheardOf"]],
    ["nothing", { find: "$left > 0", replace: "((added) => added > Math.PI)($left)" }, []],
  ])("are found: %s", (_what, change, expected) => {
    write("libs/kit/src/admit.ts", CODE);
    const whole = { in: "admit", ...change };
    expect(looseNamesOf(whole, findChange(codeFor(whole), whole))).toEqual(expected);
  });
});

function write(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

function codeFor(change: Change) {
  return readSourceCode(root, new Set([change.in]));
}

function changed(change: Change): string {
  return applyChange(change, findChange(codeFor(change), change));
}
