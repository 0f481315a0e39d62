import type { JsonObject } from "@syncline/shared/document";
import type { OperationResult } from "@syncline/shared/protocol";
import { describe, expect, it } from "vitest";
import { ANSWER_BYTES_MAX, carryingOf, RESULT_BYTES_MAX, withDocuments } from "./carried-documents.ts";

const merged = (client_id: string, version = 3): OperationResult => ({
  client_id,
  status: "success",
  document_id: "doc",
  version,
  seq: 7,
  merged: true,
});
/** Makes a document of the given size as JSON. */
const sized = (bytes: number): JsonObject => ({ t: "x".repeat(bytes - '{"t":""}'.length) });

describe("a result", () => {
  it("that a merge or a decision made carries its document", () => {
    const decided: OperationResult = { client_id: "b", status: "success", version: 4, decided: "server" };
    const results = [merged("a"), decided];
    expect(carryingOf(results)).toEqual(results);
    expect(
      withDocuments(
        results,
        new Map<string, JsonObject | null>([
          ["a", { n: 1 }],
          ["b", null],
        ]),
      ),
    ).toStrictEqual([
      { ...merged("a"), data: { n: 1 } },
      { ...decided, data: null },
    ]);
  });

  it.each<OperationResult>([
    { client_id: "a", status: "success", version: 3, seq: 7 },
    { client_id: "a", status: "conflict", error_type: "parked" },
    { client_id: "a", status: "pending" },
  ])("that is %j carries none", (result) => {
    expect(carryingOf([result])).toEqual([]);
    expect(withDocuments([result], new Map([["a", {}]]))).toStrictEqual([result]);
  });

  it("whose document is unavailable names no version either", () => {
    const { version: _, ...rest } = merged("a");
    expect(withDocuments([merged("a")], new Map())).toStrictEqual([{ ...rest, read_again: true }]);
  });

  it("at version 0 belongs to a document that never existed", () => {
    expect(withDocuments([merged("a", 0)], new Map())).toStrictEqual([{ ...merged("a", 0), data: null }]);
  });

  it("carries a document up to the size limit", () => {
    const carry = (bytes: number) => withDocuments([merged("a")], new Map([["a", sized(bytes)]]))[0];
    expect(carry(RESULT_BYTES_MAX)).toMatchObject({ version: 3, data: {} });
    expect(carry(RESULT_BYTES_MAX + 1)).not.toHaveProperty("version");
    expect(carry(RESULT_BYTES_MAX + 1)).toMatchObject({ read_again: true });
    // The limit counts bytes, not characters.
    const wide = withDocuments([merged("a")], new Map([["a", { t: "é".repeat(RESULT_BYTES_MAX / 2) }]]));
    expect(wide[0]).toMatchObject({ read_again: true });
  });
});

it("an answer carries documents up to the size limit, in the order of its results", () => {
  const each = RESULT_BYTES_MAX;
  const count = ANSWER_BYTES_MAX / each;
  const ids = Array.from({ length: count + 2 }, (_, n) => `op_${n}`);
  const documents = new Map(ids.map((id) => [id, sized(each)]));
  documents.set(ids.at(-1) ?? "", {});
  documents.set(ids[0] ?? "", sized(each - 100));
  const results = withDocuments(
    ids.map((id) => merged(id)),
    documents,
  );
  expect(results.map(({ read_again: again = false }) => again)).toEqual([
    ...Array.from({ length: count }, () => false),
    true,
    false,
  ]);
});
