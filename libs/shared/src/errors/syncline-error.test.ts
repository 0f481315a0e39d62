import { expect, it } from "vitest";
import { ERROR_CODES } from "./codes.ts";
import { SynclineError, assertInvariant, dispositionOf } from "./syncline-error.ts";

// Dashboards and alerts name these codes; no other test notices if one is renamed or changes its meaning.
it.each([
  ["SYN_POSTGRES_UNAVAILABLE", "retry"],
  ["SYN_POSTGRES_CONTENTION", "retry"],
  ["SYN_WORKSPACE_MOVED", "retry"],
  ["SYN_WINDOW_TOO_LARGE", "retry"],
  ["SYN_POSTGRES_LIMIT", "retry"],
  ["SYN_POSTGRES_UNEXPECTED", "retry"],
  ["SYN_POSTGRES_DEPLOYMENT", "deployment"],
  ["SYN_REDIS_UNAVAILABLE", "retry"],
  ["SYN_REDIS_UNEXPECTED", "retry"],
  ["SYN_REDIS_DEPLOYMENT", "deployment"],
  ["SYN_OPERATION_REFUSED", "reject"],
  ["SYN_INVARIANT", "fatal"],
] as const)("%s means %s", (code, disposition) => {
  expect(ERROR_CODES).toHaveProperty(code);
  expect(dispositionOf(new SynclineError(code, "a message"))).toBe(disposition);
});

it("an error without a code is a bug", () => {
  expect(dispositionOf(new Error("x"))).toBe("fatal");
  expect(dispositionOf("x")).toBe("fatal");
  expect(dispositionOf(undefined)).toBe("fatal");
});

it("an error keeps its cause", () => {
  const cause = new Error("the socket closed");
  expect(new SynclineError("SYN_REDIS_UNAVAILABLE", "Redis did not answer", { cause }).cause).toBe(cause);
});

it("a violated invariant is thrown as such", () => {
  expect(() => assertInvariant(true, "fine")).not.toThrow();
  expect(() => assertInvariant(false, "seq went back")).toThrow(
    expect.objectContaining({ code: "SYN_INVARIANT", message: "seq went back" }),
  );
});
