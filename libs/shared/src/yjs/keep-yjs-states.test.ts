import { describe, expect, it } from "vitest";
import type { OperationEffect } from "../effects/apply-effect.ts";
import { applyOperation } from "../operations/apply-operation.ts";
import { applyRun } from "../operations/apply-run.ts";
import { DOCUMENT_BYTES_MAX } from "../document/document-size.ts";
import type { JsonObject } from "../document/json.ts";
import { mergeByStrategy } from "../operations/merge-by-strategy.ts";
import type { YjsPolicy } from "../effects/yjs-places.ts";
import { keepYjsStates } from "./keep-yjs-states.ts";
import { readText, typeInto } from "../merge/testing/yjs.ts";

const seed = typeInto(undefined, 1, "Seed");
const newer = typeInto(seed, 2, "Seed");
const stale = typeInto(seed, 3, "X");
const policy: YjsPolicy = { rules: [{ path: "/s", is: "yjs" }] };

const write = (kind: OperationEffect["kind"], content: Pick<OperationEffect, "data" | "patch">) => ({
  kind,
  documentId: "doc",
  ...content,
});
const after = (before: JsonObject | null, operation: OperationEffect) => {
  const applied = applyOperation(before, operation, policy);
  return applied.ok ? applied.document : applied.errorType;
};
const textAfter = (before: JsonObject | null, operation: OperationEffect) => {
  const document = after(before, operation);
  return typeof document === "string" ? document : readText(document?.["s"]);
};

describe("a write of a Yjs state", () => {
  it.each<[string, OperationEffect]>([
    ["a put", write("put", { data: { s: seed } })],
    ["a merge patch", write("update", { data: { s: seed } })],
    [
      "a JSON Patch that replaces it",
      write("update", { patch: [{ op: "replace", path: "/s", value: seed }] }),
    ],
    ["a JSON Patch that adds it", write("update", { patch: [{ op: "add", path: "/s", value: seed }] })],
    [
      "a JSON Patch that removes it and adds it again",
      write("update", {
        patch: [
          { op: "remove", path: "/s" },
          { op: "add", path: "/s", value: seed },
        ],
      }),
    ],
    [
      "a JSON Patch that replaces the document",
      write("update", { patch: [{ op: "replace", path: "", value: { s: seed } }] }),
    ],
    ["a JSON Patch that copies it", write("update", { patch: [{ op: "copy", from: "/old", path: "/s" }] })],
  ])("by %s does not replace a newer one", (_, operation) => {
    expect(textAfter({ s: newer, old: seed }, operation)).toBe("SeedSeed");
  });

  it("keeps the content of both states", () => {
    expect(textAfter({ s: newer }, write("update", { data: { s: stale } }))).toMatch(/^(SeedX|XSeed)Seed$/);
  });

  it("starts a state if there is none: no document, no such field, or another kind of value", () => {
    for (const before of [null, {}, { s: null }, { s: 1 }, { s: { s: newer } }, { s: "no state" }]) {
      expect(after(before, write("put", { data: { s: seed } }))).toEqual({ s: seed });
    }
  });

  it("is undone by a removal of the field, by a put without it, or by a removal of the document", () => {
    expect(after({ s: newer, a: 1 }, write("update", { data: { s: null } }))).toEqual({ a: 1 });
    expect(after({ s: newer, a: 1 }, write("put", { data: { a: 1 } }))).toEqual({ a: 1 });
    expect(after({ s: newer }, write("delete", {}))).toBeNull();
    expect(after({ s: newer }, write("update", { patch: [{ op: "remove", path: "/s" }] }))).toEqual({});
  });

  it("that is no state replaces the value there", () => {
    expect(after({ s: newer }, write("update", { data: { s: "no state" } }))).toEqual({ s: "no state" });
    expect(after({ s: newer }, write("update", { data: { s: 1 } }))).toEqual({ s: 1 });
  });

  it("is an ordinary value without a rule, and merges under the Yjs key", () => {
    const put = write("put", { data: { s: seed, deep: { yjs_state_b64: seed } } });
    const applied = applyOperation({ s: newer, deep: { yjs_state_b64: newer } }, put);
    expect(applied).toEqual({ ok: true, document: { s: seed, deep: { yjs_state_b64: newer } } });
  });

  it("is refused if the two are too large together", () => {
    const [large, other] = [1, 2].map((id) => typeInto(undefined, id, "x".repeat(DOCUMENT_BYTES_MAX / 2)));
    expect(after({ s: large ?? "" }, write("put", { data: { s: other ?? "" } }))).toBe("document_too_large");
  });

  it("merges with those of the same run", () => {
    const run = [newer, seed].map((s, index) => ({ ...write("put", { data: { s } }), clientId: `${index}` }));
    expect(readText(applyRun({ s: seed }, run, policy).document?.["s"])).toBe("SeedSeed");
  });

  it("leaves its inputs alone, and shares unchanged values", () => {
    const before = Object.freeze({ s: newer });
    const next = Object.freeze({ s: seed, list: Object.freeze([1]) as unknown as number[] });
    const kept = keepYjsStates(before, next, policy);
    expect(next.s).toBe(seed);
    expect(kept).toEqual({ s: newer, list: [1] });
    expect(kept.list).toBe(next.list);
    expect(keepYjsStates({ s: seed }, next, policy)).toBe(next);
  });
});

describe("the Yjs states of an array's items", () => {
  const inItems: YjsPolicy = { arrayKeys: ["key"], rules: [{ path: "/items/*/s", is: "yjs" }] };
  const other = typeInto(undefined, 9, "Other");

  it("merge by the items' identity, wherever they stand", () => {
    const before = {
      items: [
        { key: 1, s: newer },
        { key: 2, s: other },
      ],
    };
    const next = {
      items: [
        { key: 3, s: seed },
        { key: 2, s: other },
        { key: 1, s: seed },
      ],
    };
    expect(keepYjsStates(before, next, inItems)).toEqual({
      items: [
        { key: 3, s: seed },
        { key: 2, s: other },
        { key: 1, s: newer },
      ],
    });
  });

  it("merge if a sequence shows that the item is the same, and never with another item's", () => {
    const before = {
      items: [
        { t: 1, u: 1, s: newer },
        { t: 2, u: 2, s: other },
      ],
    };
    const next = {
      items: [
        { t: 0, u: 0, s: other },
        { t: 1, u: 1, s: seed },
        { t: 2, u: 2, s: other },
      ],
    };
    expect(keepYjsStates(before, next, inItems)).toEqual({
      items: [
        { t: 0, u: 0, s: other },
        { t: 1, u: 1, s: newer },
        { t: 2, u: 2, s: other },
      ],
    });
  });

  it("merge in place if the states themselves are the items", () => {
    const states: YjsPolicy = { rules: [{ path: "/list/*", is: "yjs" }] };
    expect(keepYjsStates({ list: [newer, other] }, { list: [seed, other] }, states)).toEqual({
      list: [newer, other],
    });
  });
});

describe("a strategy that takes one side whole", () => {
  it("merges its Yjs states all the same", () => {
    const inputs = { ancestor: { s: seed }, local: { s: stale, a: 1 }, localTimestampMs: null };
    const outcome = mergeByStrategy("client-wins", inputs, { data: { s: newer }, timestampMs: null }, policy);
    expect(outcome).toMatchObject({ kind: "commit", document: { a: 1 }, overlaps: [] });
    const document = outcome.kind === "commit" ? outcome.document : null;
    expect(readText(document?.["s"])).toMatch(/^(SeedX|XSeed)Seed$/);
  });
});
