import type { ErrorType, OperationKind, ResultStatus } from "@syncline/shared/protocol";
import type { Operation } from "@syncline/shared/schemas";
import { expect, it } from "vitest";
import { z } from "zod";
import { exactly } from "./exactly.ts";

interface Body {
  kind: OperationKind;
  status?: ResultStatus;
}
const kinds = ["create", "put", "update", "delete"] as const;
const statuses = ["success", "conflict", "error", "skipped", "pending"] as const;

// The checks are the compiler's: each error that is expected and does not come fails the type check.
it("takes a schema of all values of a type, and no other", () => {
  const complete = exactly<Body>()(
    z.object({ kind: z.enum(kinds), status: z.enum(statuses).exactOptional() }),
  );
  expect(complete.safeParse({ kind: "put" }).success).toBe(true);
  // @ts-expect-error an operation kind is missing
  exactly<Body>()(
    z.object({ kind: z.enum(["create", "put", "update"]), status: z.enum(statuses).exactOptional() }),
  );
  // @ts-expect-error a status is missing
  exactly<Body>()(z.object({ kind: z.enum(kinds), status: z.enum(["success"]).exactOptional() }));
  // @ts-expect-error an error type is missing
  exactly<ErrorType>()(z.enum(["patch_failed"]));
  // @ts-expect-error an optional field is missing
  exactly<Body>()(z.object({ kind: z.enum(kinds) }));
  // @ts-expect-error a kind that the type does not have
  exactly<Body>()(z.object({ kind: z.enum([...kinds, "move"]), status: z.enum(statuses).exactOptional() }));
});

it("each operation kind has its schema in a batch", () => {
  const parsed = (kind: OperationKind): Operation["operation"] => kind;
  expect(kinds.map(parsed)).toEqual(kinds);
});

it("a function that leaves an operation kind out does not compile", () => {
  const verb = (kind: OperationKind): string => {
    if (kind === "create" || kind === "put" || kind === "update") return "writes";
    // @ts-expect-error delete is not handled
    return kind satisfies never;
  };
  expect(verb("put")).toBe("writes");
});
