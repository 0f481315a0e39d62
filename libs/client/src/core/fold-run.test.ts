import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "@syncline/shared/document";
import type { Effect } from "../public/outcomes.ts";
import { foldRun } from "./fold-run.ts";
import { change, draftOf } from "./testing/draft-of.ts";
import { applyToView } from "./view.ts";

const create = (data: JsonObject): Effect => ({ kind: "create", data });
const put = (data: JsonObject): Effect => ({ kind: "put", data });
const update = (data: JsonObject): Effect => ({ kind: "update", data });
const remove: Effect = { kind: "delete" };

/** The fold of edits in a new draft; on a document that exists if the first is no create. */
function fold(effects: readonly Effect[]) {
  const { write, pull, outbox } = draftOf();
  const isNew = effects[0]?.kind === "create";
  if (!isNew) pull(1, change("a", 1, 1, { n: 1 }));
  for (const effect of effects) write("a", effect);
  const { members, effect } = foldRun(outbox(), isNew);
  return { count: members.length, effect };
}

describe("R5: runs of one document fold", () => {
  it.each<[string, Effect[], number, Effect | null]>([
    ["create + update = create", [create({ a: 1 }), update({ b: 2 })], 2, create({ a: 1, b: 2 })],
    ["create + put = create", [create({ a: 1 }), put({ b: 2 })], 2, create({ b: 2 })],
    ["anything + delete = delete", [update({ a: 1 }), put({ b: 1 }), remove], 3, remove],
    ["create + delete = nothing", [create({ a: 1 }), update({ b: 1 }), remove], 3, null],
    ["update + put = put", [update({ a: 1 }), put({ b: 1 })], 2, put({ b: 1 })],
    ["merge patches compose", [update({ a: 1 }), update({ b: 1 })], 2, update({ a: 1, b: 1 })],
    [
      "one that a merge patch cannot say stays apart",
      [update({ a: null }), update({ a: { b: 1 } })],
      1,
      update({ a: null }),
    ],
  ])("%s", (_, effects, count, effect) => {
    expect(fold(effects)).toEqual({ count, effect });
  });

  it("not over the edge of a group", () => {
    const { write, outbox } = draftOf();
    write("a", create({ a: 1 }));
    write("a", put({ b: 1 }), { group: "g" });
    expect(foldRun(outbox(), true).members).toHaveLength(1);
    expect(foldRun(outbox().slice(1), true)).toMatchObject({ effect: put({ b: 1 }) });
  });

  it("not over operations that are frozen", () => {
    const { write, send, outbox } = draftOf();
    write("a", create({ a: 1 }));
    send();
    write("a", update({ b: 1 }));
    send();
    expect(outbox().map(({ state }) => state)).toEqual(["sent", "queued"]);
  });

  it("a thousand strokes are one operation, and no patch is longer than the server takes", () => {
    const strokes = Array.from({ length: 1_000 }, (_, n) => update({ text: "x".repeat(n % 50), n }));
    expect(fold(strokes)).toMatchObject({ count: 1_000 });
    const steps = Array.from({ length: 1_100 }, (_, n): Effect => ({
      kind: "update",
      patch: [{ op: "add", path: `/k${n}`, value: n }],
    }));
    const { effect, count } = fold(steps);
    expect(effect !== null && "patch" in effect && effect.patch.length).toBe(count);
    expect(count).toBeLessThanOrEqual(1_000);
  });

  it("under last-write-wins not if a place would get a newer time", () => {
    const { write, pull, outbox } = draftOf();
    pull(1, change("a", 1, 1, { n: 1 }));
    for (const effect of [update({ a: 1 }), update({ b: 1 })])
      write("a", effect, { onConflict: "last-write-wins" });
    expect(foldRun(outbox(), false).members).toHaveLength(1);
  });
});

const scalar = fc.constantFrom<Json>(0, 1, "text", null);
const object = fc.dictionary(
  fc.constantFrom("a", "b", "c"),
  fc.oneof(scalar, fc.dictionary(fc.constantFrom("a", "b"), scalar)),
  { noNullPrototype: true },
);
const effect: fc.Arbitrary<Effect> = fc.oneof(
  object.map(put),
  { weight: 3, arbitrary: object.map(update) },
  fc
    .tuple(fc.constantFrom("/a", "/b", "/c"), scalar)
    .map(([path, value]): Effect => ({ kind: "update", patch: [{ op: "add", path, value }] })),
  { weight: 1, arbitrary: fc.constant(remove) },
);

describe("a fold", () => {
  it("has the effect of its members, on any base", () => {
    let folded = 0;
    fc.assert(
      fc.property(object, fc.array(effect, { minLength: 2, maxLength: 8 }), (base, effects) => {
        const { write, pull, outbox } = draftOf();
        pull(1, change("a", 1, 1, base));
        for (const each of effects) write("a", each);
        const { members, effect: joined } = foldRun(outbox(), false);
        if (members.length > 1) folded += 1;
        const apply = (document: JsonObject | null, one: Effect) => applyToView(document, one, "a");
        const oneByOne = members.map((member) => member.effect).reduce(apply, base);
        expect(joined === null ? null : apply(base, joined)).toEqual(oneByOne);
      }),
      { numRuns: 500 },
    );
    expect(folded).toBeGreaterThan(100);
  });
});
