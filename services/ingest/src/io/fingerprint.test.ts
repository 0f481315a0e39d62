import type { Json } from "@syncline/shared/document";
import fc from "fast-check";
import { expect, it } from "vitest";
import { fingerprint } from "./fingerprint.ts";

it("does not depend on the order of keys, at any depth", () => {
  expect(fingerprint(["put", { a: 1, b: { c: 2, d: [{ e: 3, f: 4 }] } }])).toBe(
    fingerprint(["put", { b: { d: [{ f: 4, e: 3 }], c: 2 }, a: 1 }]),
  );
});

it("depends on everything else", () => {
  const contents: Json[][] = [
    ["put", { a: [1, 2] }],
    ["put", { a: [2, 1] }],
    ["put", { a: ["1", 2] }],
    ["put", { a: [1, 2], b: null }],
    ["put", { a: [12] }],
    ["put", {}],
    ["update", { a: [1, 2] }],
    ["put", JSON.parse('{"__proto__":{"a":[1,2]}}') as Json],
  ];
  expect(new Set(contents.map(fingerprint)).size).toBe(contents.length);
});

it("treats an absent part as null", () => {
  expect(fingerprint(["put", undefined])).toBe(fingerprint(["put", null]));
});

it("is equal for equal contents only", () => {
  const json = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>;
  fc.assert(
    fc.property(json, json, (one, other) => {
      expect(fingerprint([structuredClone(one)])).toBe(fingerprint([one]));
      if (JSON.stringify(one) !== JSON.stringify(other) && typeof one !== "object") {
        expect(fingerprint([one])).not.toBe(fingerprint([other]));
      }
    }),
  );
});

// The ledger keeps fingerprints for months: a changed digest would make every resend a `client_id_reused`.
it("never changes", () => {
  expect(fingerprint(["create", "documents", "d", { title: "Zürich", n: 0.1 }, null, 2])).toBe(
    "qlzFH122HPRG9IrhwZoV6h3CrJGvn_huBgwDuFSgZFI",
  );
});
