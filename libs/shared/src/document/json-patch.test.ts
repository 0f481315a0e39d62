import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sizeOf } from "./json-size.ts";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import type { JsonPatchStep } from "./json-patch-step.ts";
import { OPERATION_VALUES_MAX } from "./budget.ts";
import { applyJsonPatch } from "./json-patch.ts";

const range = (length: number) => Array.from({ length }, (_, n) => n);
const times = (count: number, step: (n: number) => JsonPatchStep | JsonPatchStep[]) =>
  range(count).flatMap(step);
const nested = (count: number) => Object.fromEntries(range(count).map((n) => [`k${n}`, { v: 1 }]));
const bytesOf = (value: Json) => new TextEncoder().encode(JSON.stringify(value)).byteLength;

/** Applies a patch, and returns the share of the budget that it took. */
function patched(document: JsonObject, patch: JsonPatchStep[]) {
  const budget = { left: OPERATION_VALUES_MAX };
  const outcome = applyJsonPatch(document, patch, budget);
  return { outcome, spent: OPERATION_VALUES_MAX - budget.left };
}

describe("a JSON Patch", () => {
  it("equals the same steps applied one by one, each on a full copy", () => {
    const key = fc.constantFrom("a", "b", "0", "1");
    const leaf = fc.oneof(fc.constantFrom(0, 1, 12, -1.5, "x", 'ü"', null, true));
    const value: fc.Arbitrary<Json> = fc.letrec<{ any: Json }>((tie) => ({
      any: fc.oneof(
        { depthSize: "small" },
        leaf,
        fc.array(tie("any"), { maxLength: 3 }),
        fc.dictionary(key, tie("any"), { maxKeys: 3 }),
        // Large enough for its size to be remembered.
        fc.array(leaf, { minLength: 40, maxLength: 45 }),
      ),
    })).any;
    const pointer = fc
      .array(fc.oneof(key, fc.constant("-")), { maxLength: 3 })
      .map((keys) => keys.map((one) => `/${one}`).join(""));
    const step: fc.Arbitrary<JsonPatchStep> = fc.oneof(
      fc.record({
        op: fc.constantFrom("add" as const, "replace" as const, "test" as const),
        path: pointer,
        value,
      }),
      fc.record({ op: fc.constant("remove" as const), path: pointer }),
      fc.record({ op: fc.constantFrom("copy" as const, "move" as const), from: pointer, path: pointer }),
    );
    fc.assert(
      fc.property(fc.dictionary(key, value), fc.array(step, { maxLength: 12 }), (document, patch) => {
        const before = JSON.stringify(document);
        const { outcome } = patched(document, patch);
        expect(JSON.stringify(document)).toBe(before);
        expect(outcome.ok ? outcome.value : outcome.step).toEqual(plainly(document, patch));
        if (!outcome.ok || !isJsonObject(outcome.value)) return;
        expect(sizeOf(outcome.value).bytes).toBe(bytesOf(outcome.value));
      }),
      { numRuns: 2_000 },
    );
  });

  it("costs no budget for values that it only copies or moves, however large", () => {
    const copies = times(59, () => ({ op: "copy", from: "/a", path: "/b" }));
    expect(patched({ a: nested(10_999) }, copies)).toMatchObject({ outcome: { ok: true }, spent: 1 });
    const moves = times(500, (n) => ({ op: "move", from: n % 2 ? "/b" : "/a", path: n % 2 ? "/a" : "/b" }));
    expect(patched({ a: nested(10_999) }, moves)).toMatchObject({ outcome: { ok: true }, spent: 1 });
  });

  it("pays for each copy that it changes, and is too costly beyond its budget", () => {
    const change = (n: number): JsonPatchStep[] => [
      { op: "copy", from: "/a", path: "/b" },
      { op: "add", path: `/b/k${n}/v`, value: n },
    ];
    expect(patched({ a: nested(10_000) }, times(4, change)).outcome.ok).toBe(true);
    const { outcome, spent } = patched({ a: nested(10_000) }, times(500, change));
    expect(outcome).toMatchObject({ ok: false, costly: true, step: 9 });
    expect(spent).toBeLessThanOrEqual(OPERATION_VALUES_MAX);
  });

  it.each<[string, JsonObject, JsonPatchStep[]]>([
    [
      "copies a long array in order to change the copy",
      { a: range(49_000) },
      times(500, () => [
        { op: "copy", from: "/a", path: "/b" },
        { op: "replace", path: "/b/0", value: 1 },
      ]),
    ],
    [
      "doubles the document with each step",
      { a: "x" },
      times(60, (n) => ({ op: "copy", from: "", path: `/${n}` })),
    ],
    [
      "copies a long text",
      { a: "x".repeat(1_000_000) },
      times(60, (n) => ({ op: "copy", from: "/a", path: `/${n}` })),
    ],
  ])("is too costly if it %s", (_what, document, patch) => {
    expect(patched(document, patch).outcome).toMatchObject({ ok: false, costly: true });
  });

  it("may insert at the head of the longest array with each of its steps", () => {
    const insert = times(1_000, (n) => ({ op: "add", path: "/a/0", value: n }));
    expect(patched({ a: range(48_000) }, insert).outcome.ok).toBe(true);
  });

  it("tests a large value without reading it, unless the patch contains one as large", () => {
    let looks = 0;
    const watched = new Proxy<JsonObject>(nested(20_000), {
      ownKeys(target) {
        looks += 1;
        return Reflect.ownKeys(target);
      },
    });
    const document = { a: watched };
    // The size is measured once.
    expect(sizeOf(document).values).toBe(80_003);
    looks = 0;
    const test = (value: Json) => patched(document, [{ op: "test", path: "/a", value }]).outcome.ok;
    expect(test({})).toBe(false);
    expect(looks).toBe(0);
    expect(test(nested(20_000))).toBe(true);
    expect(looks).toBeGreaterThan(0);
  });
});

/** Applies a patch with a copy of the whole document for each step. @returns the failing step, or the value */
function plainly(document: Json, patch: readonly JsonPatchStep[]): Json {
  let root: Json = { "": document };
  for (const [index, step] of patch.entries()) {
    const next = take(structuredClone(root), step);
    if (next === undefined) return index;
    root = next;
  }
  return (root as JsonObject)[""] ?? null;
}

function take(root: Json, step: JsonPatchStep): Json | undefined {
  switch (step.op) {
    case "add":
      return add(root, step.path, step.value);
    case "remove":
      return remove(root, step.path);
    case "replace": {
      const removed = remove(root, step.path);
      return removed === undefined ? undefined : add(removed, step.path, step.value);
    }
    case "copy": {
      const value = read(root, step.from);
      return value === undefined ? undefined : add(root, step.path, structuredClone(value));
    }
    case "move": {
      const value = read(root, step.from);
      if (value === undefined || step.path.startsWith(`${step.from}/`)) return undefined;
      const removed = remove(root, step.from);
      return removed === undefined ? undefined : add(removed, step.path, value);
    }
    case "test": {
      const value = read(root, step.path);
      return value !== undefined && sorted(value) === sorted(step.value) ? root : undefined;
    }
    default:
      return step satisfies never;
  }
}

function read(root: Json | undefined, pointer: string): Json | undefined {
  return pointer.split("/").reduce<Json | undefined>(inner, root);
}

function inner(value: Json | undefined, key: string): Json | undefined {
  if (Array.isArray(value)) return /^(0|[1-9]\d*)$/.test(key) ? value[Number(key)] : undefined;
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function add(root: Json, pointer: string, value: Json): Json | undefined {
  const keys = pointer.split("/");
  const key = keys.pop() ?? "";
  const parent = keys.reduce<Json | undefined>(inner, root);
  if (Array.isArray(parent)) {
    const index = key === "-" ? parent.length : /^(0|[1-9]\d*)$/.test(key) ? Number(key) : NaN;
    if (!(index <= parent.length)) return undefined;
    parent.splice(index, 0, value);
    return root;
  }
  if (!isJsonObject(parent)) return undefined;
  parent[key] = value;
  return root;
}

function remove(root: Json, pointer: string): Json | undefined {
  const keys = pointer.split("/");
  const key = keys.pop() ?? "";
  const parent = keys.reduce<Json | undefined>(inner, root);
  if (inner(parent, key) === undefined) return undefined;
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else if (isJsonObject(parent)) delete parent[key];
  return root;
}

/** A value's JSON with the keys in order. */
function sorted(value: Json): string {
  return JSON.stringify(value, (_key, one: Json) =>
    isJsonObject(one) ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))) : one,
  );
}
