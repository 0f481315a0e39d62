import { expect, it } from "vitest";
import { sentOperation } from "./sent-operation.ts";

const accepted = {
  clientId: "op_1",
  position: 3,
  collection: "notes",
  documentId: "note_1",
  fingerprint: "f",
};
const common = { client_id: "op_1", collection: "notes", document_id: "note_1" };

it("an operation is shown as it was sent, without the server's internal fields", () => {
  const rest = { expectedVersion: 0, ancestor: { a: 1 }, timestampMs: 7, group: "g", replay: true as const };
  expect(sentOperation({ ...accepted, ...rest, kind: "put", data: { a: 2 } })).toStrictEqual({
    ...common,
    operation: "put",
    data: { a: 2 },
    expected_version: 0,
    ancestor: { a: 1 },
    timestamp: 7,
    group: "g",
  });
});

it("an operation is shown with its own fields only", () => {
  const patch = [{ op: "remove" as const, path: "/a" }];
  expect(sentOperation({ ...accepted, kind: "update", patch })).toStrictEqual({
    ...common,
    operation: "update",
    patch,
  });
  const made = { ...accepted, kind: "delete", documentIdMade: true } as const;
  expect(sentOperation(made)).toStrictEqual({ ...common, operation: "delete" });
});
