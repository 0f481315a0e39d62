import { describe, expect, it } from "vitest";
import { compileRules, stepInto, type FieldRule } from "./field-rules.ts";

function ruleAt(rules: readonly FieldRule[], ...keys: (string | number)[]): FieldRule | undefined {
  return keys.reduce((node, key) => stepInto(node, key), compileRules(rules))?.rule;
}

describe("a rule holds at the places that its path fits", () => {
  it.each<[string, (string | number)[], boolean]>([
    ["/note", ["note"], true],
    ["/note", ["note", "x"], false],
    ["/note", ["other"], false],
    ["/items/*/note", ["items", 7, "note"], true],
    ["/items/*/note", ["items", "k", "note"], true],
    ["/items/*/note", ["items", "note"], false],
    ["/*", ["__proto__"], true],
    ["/items/3", ["items", 3], true],
    ["/a~1b~0c", ["a/b~c"], true],
    ["/", [""], true],
    ["", [], true],
  ])("%j at %j: %s", (path, keys, fits) => {
    expect(ruleAt([{ path, is: "text" }], ...keys)?.is).toBe(fits ? "text" : undefined);
  });

  it("and if several do, the rule that names the place applies, and of two equal ones the later", () => {
    const rules: FieldRule[] = [
      { path: "/a/b", is: "text" },
      { path: "/*/b", is: "counter" },
      { path: "/a/*", is: "set" },
    ];
    expect(ruleAt(rules, "a", "b")?.is).toBe("text");
    expect(ruleAt(rules, "a", "c")?.is).toBe("set");
    expect(ruleAt(rules, "c", "b")?.is).toBe("counter");
    expect(ruleAt([...rules, { path: "/a/b", is: "yjs" }], "a", "b")?.is).toBe("yjs");
  });
});

it("an empty list of rules compiles to undefined", () => {
  expect(compileRules([])).toBeUndefined();
});

it.each(["note", "/a~2", "$.a", "/a/~"])("%j is no path", (path) => {
  expect(() => compileRules([{ path, is: "text" }])).toThrow(`not ${JSON.stringify(path)}`);
});
