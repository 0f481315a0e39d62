import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DocumentData } from "../document/document-data.ts";
import { sizeOf } from "../document/json-size.ts";
import type { Json, JsonObject } from "../document/json.ts";
import { timesOfEdit } from "./times-of-edit.ts";
import type { YjsPolicy } from "../effects/yjs-places.ts";
import type { JsonPatchStep } from "../document/json-patch-step.ts";
import type { OperationEffect } from "../effects/apply-effect.ts";
import { applyOperation } from "./apply-operation.ts";
import { applyToData } from "./apply-to-data.ts";

/** Yjs states of one text: of the two, the merge has both. */
const STATES = ["AgECAEQBAARTZWVkAQEABAEBdARTZWVkAA==", "AgEDAEQBAAFYAQEABAEBdARTZWVkAA=="];
const POLICY: YjsPolicy = { rules: [{ path: "/a/s", is: "yjs" }] };

const { value: json } = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.constantFrom<Json>(0, 1, "x", "", null, true, ...STATES),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc.dictionary(fc.constantFrom("a", "b", "c", "s", "yjs_state_b64", "d/~"), tie("value"), {
    maxKeys: 4,
  }),
}));
const document = fc.dictionary(fc.constantFrom("a", "b", "c", "id"), json, { maxKeys: 4 }).map((members) => {
  const given = members as JsonObject;
  return "id" in given ? { ...given, id: "doc" } : given;
});
const key = fc.constantFrom("a", "b", "c", "s", "d~1~0", "yjs_state_b64", "0", "1", "-", "id");
const pointer = fc.array(key, { maxLength: 3 }).map((keys) => keys.map((one) => `/${one}`).join(""));
const step: fc.Arbitrary<JsonPatchStep> = fc.oneof(
  fc.record({ op: fc.constantFrom("add", "replace", "test"), path: pointer, value: json }),
  fc.record({ op: fc.constant("remove"), path: pointer }),
  fc.record({ op: fc.constantFrom("move", "copy"), from: pointer, path: pointer }),
);
const operation: fc.Arbitrary<OperationEffect> = fc
  .oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("update"), data: document }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("update"), patch: fc.array(step, { maxLength: 4 }) }),
    },
    fc.record({ kind: fc.constantFrom("put", "create"), data: document }),
    fc.record({ kind: fc.constant("delete") }),
  )
  .map((effect) => ({ ...effect, documentId: "doc" }));

/** Members that no operation names, and that make any document large. */
const others: JsonObject = { others: Array.from({ length: 2_000 }, () => 1), z: { y: "x" } };

describe("a document is read in part", () => {
  const places = new Map([["a", new Map()]]);
  const list = (length: number) => ({ a: 1, list: Array.from({ length }, () => 1) });
  const text = (length: number) => ({ ...list(2_000), text: "x".repeat(length) });

  it.each<[boolean, string, JsonObject]>([
    [false, "few values", list(900)],
    [true, "many values", list(1_000)],
    [true, "some text", text(100_000)],
    [false, "much text, of which each version would have a copy", text(200_000)],
  ])("%j if it has %s", (isPart, _, value) => {
    expect(DocumentData.of(value).read(places) !== undefined).toBe(isPart);
    expect(DocumentData.ofText(JSON.stringify(value)).read(places) !== undefined).toBe(isPart);
  });
});

describe("an operation on a document's text", () => {
  it.each<[string, (given: JsonObject) => DocumentData]>([
    ["read from the store", (given) => DocumentData.ofText(JSON.stringify(given, null, 1))],
    ["as an operation of before has left it", (given) => DocumentData.of(given)],
  ])("does what it does to its value, one after the other: %s", (_, dataOf) => {
    const reached = { parts: 0, refused: 0 };
    fc.assert(
      fc.property(document, fc.array(operation, { minLength: 1, maxLength: 4 }), (given, operations) => {
        let value: JsonObject | null = { ...given, ...others };
        let data: DocumentData | null = dataOf(value);
        for (const one of operations) {
          const expected = applyOperation(value, one, POLICY);
          const applied = applyToData(data, one, POLICY);
          if (!expected.ok || !applied.ok) {
            reached.refused += 1;
            expect(applied).toEqual(expected);
            continue;
          }
          const text: string | undefined = applied.data?.text;
          expect(text === undefined ? null : JSON.parse(text)).toEqual(expected.document);
          expect(applied.timesAt(7)).toEqual(timesOfEdit(value, expected.document, 7, POLICY));
          const { values, bytes } = sizeOf(expected.document);
          if (applied.data !== null) expect(applied.data.size).toMatchObject({ values, bytes });
          if (text !== undefined && text !== JSON.stringify(expected.document)) reached.parts += 1;
          data = applied.data;
          value = expected.document;
        }
      }),
      { numRuns: 1_000 },
    );
    expect(Math.min(...Object.values(reached))).toBeGreaterThan(100);
  });
});
