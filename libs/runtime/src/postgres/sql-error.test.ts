import { SynclineError, dispositionOf } from "@syncline/shared";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { toSynclineError } from "./sql-error.ts";

function databaseError(sqlstate: string): pg.DatabaseError {
  const error = new pg.DatabaseError("what Postgres says", 0, "error");
  error.code = sqlstate;
  return error;
}

describe("a failure of Postgres", () => {
  it.each([
    ["22P02", "invalid text representation", "SYN_OPERATION_REFUSED"],
    ["22P05", "untranslatable character", "SYN_OPERATION_REFUSED"],
    ["22003", "numeric value out of range", "SYN_OPERATION_REFUSED"],
    ["54000", "program limit exceeded", "SYN_OPERATION_REFUSED"],
    ["54001", "statement too complex", "SYN_OPERATION_REFUSED"],
    ["40001", "serialization failure", "SYN_POSTGRES_CONTENTION"],
    ["40P01", "deadlock detected", "SYN_POSTGRES_CONTENTION"],
    ["55P03", "lock not available", "SYN_POSTGRES_CONTENTION"],
    ["23505", "unique violation", "SYN_POSTGRES_CONTENTION"],
    ["08006", "connection failure", "SYN_POSTGRES_UNAVAILABLE"],
    ["53300", "too many connections", "SYN_POSTGRES_UNAVAILABLE"],
    ["53100", "disk full", "SYN_POSTGRES_UNAVAILABLE"],
    ["57P01", "admin shutdown", "SYN_POSTGRES_UNAVAILABLE"],
    ["57P03", "cannot connect now", "SYN_POSTGRES_UNAVAILABLE"],
    ["57014", "query canceled", "SYN_POSTGRES_UNAVAILABLE"],
    ["58030", "io error", "SYN_POSTGRES_UNAVAILABLE"],
    ["25006", "read-only transaction, as after a failover", "SYN_POSTGRES_UNAVAILABLE"],
    ["25P03", "idle in transaction timeout", "SYN_POSTGRES_UNAVAILABLE"],
    ["SYN01", "the workspace moved on", "SYN_WORKSPACE_MOVED"],
    ["SYN02", "an invariant that the database checks", "SYN_INVARIANT"],
  ])("%s (%s) is %s", (sqlstate, _meaning, code) => {
    const cause = databaseError(sqlstate);
    const error = toSynclineError(cause);
    expect(error).toBeInstanceOf(SynclineError);
    expect(error).toMatchObject({ code, cause });
  });

  it.each([
    ["23502", "not-null violation"],
    ["23503", "foreign key violation"],
    ["23514", "check violation"],
    ["42601", "syntax error"],
    ["42P01", "undefined table"],
    ["42501", "insufficient privilege"],
    ["25P02", "in a failed transaction"],
    ["XX000", "internal error"],
  ])("%s (%s) is a bug, and stays what it is", (sqlstate) => {
    const error = databaseError(sqlstate);
    expect(toSynclineError(error)).toBe(error);
    expect(dispositionOf(toSynclineError(error))).toBe("fatal");
  });

  it("without a code stays what it is", () => {
    const error = new pg.DatabaseError("?", 0, "error");
    expect(toSynclineError(error)).toBe(error);
  });

  it("is judged by its code, whatever its message says", () => {
    const error = databaseError("42601");
    error.message = "Connection terminated unexpectedly";
    expect(toSynclineError(error)).toBe(error);
  });
});

describe("a connection that fails", () => {
  it.each(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EHOSTUNREACH"])(
    "with %s is tried again",
    (code) => {
      expect(toSynclineError(Object.assign(new Error("x"), { code }))).toMatchObject({
        code: "SYN_POSTGRES_UNAVAILABLE",
      });
    },
  );

  it("on every address of its host is tried again", () => {
    const error = Object.assign(new AggregateError([new Error("v4"), new Error("v6")]), {
      code: "ECONNREFUSED",
    });
    expect(dispositionOf(toSynclineError(error))).toBe("retry");
  });

  it.each([
    "Connection terminated unexpectedly",
    "Connection terminated due to connection timeout",
    "timeout exceeded when trying to connect",
    "Client has encountered a connection error and is not queryable",
    "Query read timeout",
  ])("with the driver's words, %s, is tried again", (message) => {
    expect(dispositionOf(toSynclineError(new Error(message)))).toBe("retry");
  });

  it.each([
    new TypeError("x is not a function"),
    Object.assign(new Error("x"), { code: "ERR_INVALID_ARG_TYPE" }),
    "text",
    undefined,
  ])("is not what %s is", (error) => {
    expect(toSynclineError(error)).toBe(error);
  });
});
