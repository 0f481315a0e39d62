import pg from "pg";
import { expect, it } from "vitest";
import { describeDatabaseError } from "./describe-database-error.ts";

it("leaves out the message and the detail, which may quote a document", () => {
  const error = Object.assign(new pg.DatabaseError("no such row: secret", 0, "error"), {
    code: "23505",
    severity: "ERROR",
    detail: "Key (document_id)=(secret) already exists.",
    table: "documents",
    constraint: "documents_pkey",
  });
  expect(describeDatabaseError(error)).toEqual({
    type: "DatabaseError",
    code: "23505",
    severity: "ERROR",
    table: "documents",
    constraint: "documents_pkey",
  });
});

it("describes no other error", () => {
  expect(describeDatabaseError(new Error("anything"))).toBeUndefined();
});
