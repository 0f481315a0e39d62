import { SynclineError, dispositionOf } from "@syncline/shared/protocol";
import { readFileSync } from "node:fs";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { POSTGRES_FAULTS } from "./postgres-faults.ts";
import { toSynclineError } from "./sql-error.ts";

const ERRORS_PAGE = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");

function databaseError(sqlstate: string): pg.DatabaseError {
  const error = new pg.DatabaseError("Postgres' message", 0, "error");
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
    ["23505", "unique violation", "SYN_OPERATION_REFUSED"],
    ["23502", "not-null violation", "SYN_OPERATION_REFUSED"],
    ["23514", "check violation", "SYN_OPERATION_REFUSED"],
    ["P0001", "raised by a trigger", "SYN_OPERATION_REFUSED"],
    ["42501", "insufficient privilege", "SYN_POSTGRES_DEPLOYMENT"],
    ["42P01", "undefined table", "SYN_POSTGRES_DEPLOYMENT"],
    ["42703", "undefined column", "SYN_POSTGRES_DEPLOYMENT"],
    ["28P01", "invalid password", "SYN_POSTGRES_DEPLOYMENT"],
    ["3D000", "undefined database", "SYN_POSTGRES_DEPLOYMENT"],
    ["0A000", "feature not supported", "SYN_POSTGRES_DEPLOYMENT"],
    ["XX001", "data corrupted", "SYN_POSTGRES_UNEXPECTED"],
    ["QQ123", "unknown class", "SYN_POSTGRES_UNEXPECTED"],
    ["53200", "out of memory", "SYN_POSTGRES_LIMIT"],
    ["XX000", "internal error", "SYN_POSTGRES_UNEXPECTED"],
    ["08006", "connection failure", "SYN_POSTGRES_UNAVAILABLE"],
    ["53300", "too many connections", "SYN_POSTGRES_UNAVAILABLE"],
    ["53100", "disk full", "SYN_POSTGRES_UNAVAILABLE"],
    ["57P01", "admin shutdown", "SYN_POSTGRES_UNAVAILABLE"],
    ["57P03", "cannot connect now", "SYN_POSTGRES_UNAVAILABLE"],
    ["57014", "query canceled", "SYN_POSTGRES_LIMIT"],
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

  // Appendix A of Postgres' manual, versions 15 to 18.
  it.each(
    `00 01 02 03 08 09 0A 0B 0F 0L 0P 0Z 10 20 21 22 23 24 25 26 27 28 2B 2D 2F 34 38 39 3B 3D 3F 40 42 44 53 54 55 57 58 72 F0
     HV P0 XX`.split(/\s+/),
  )("with class %s has a code, which the documentation names", (sqlClass) => {
    const code = POSTGRES_FAULTS[sqlClass];
    expect(code).toBeDefined();
    expect(toSynclineError(databaseError(`${sqlClass}000`)).code).toBe(
      POSTGRES_FAULTS[`${sqlClass}000`] ?? code,
    );
    const row = ERRORS_PAGE.split("\n").find(
      (line) => line.startsWith(`| \`${code}\``) && line.includes("SQLSTATE"),
    );
    expect(row).toMatch(new RegExp(`\\b${sqlClass}\\b`));
  });

  it("is classified by its SQLSTATE, not by its message", () => {
    const error = databaseError("22P02");
    error.message = "Connection terminated unexpectedly";
    expect(toSynclineError(error)).toMatchObject({ code: "SYN_OPERATION_REFUSED" });
  });

  it("is retried and never blamed on an operation, if it is unexpected", () => {
    const error = toSynclineError(new pg.DatabaseError("?", 0, "error"));
    expect(error).toMatchObject({ code: "SYN_POSTGRES_UNEXPECTED" });
    expect(dispositionOf(error)).toBe("retry");
  });

  it("does not quote Postgres' message, which may contain a document", () => {
    expect(toSynclineError(databaseError("22P02")).message).not.toContain("Postgres' message");
  });
});

describe("a connection that fails", () => {
  it.each(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EHOSTUNREACH"])(
    "with %s is retried",
    (code) => {
      expect(toSynclineError(Object.assign(new Error("x"), { code }))).toMatchObject({
        code: "SYN_POSTGRES_UNAVAILABLE",
      });
    },
  );

  it("on every address of its host is retried", () => {
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
  ])("with the driver's message %s is retried", (message) => {
    expect(dispositionOf(toSynclineError(new Error(message)))).toBe("retry");
  });

  it.each(["EAI_AGAIN", "DEPTH_ZERO_SELF_SIGNED_CERT"])("with the TLS or DNS error %s is retried", (code) => {
    expect(dispositionOf(toSynclineError(Object.assign(new Error("x"), { code })))).toBe("retry");
  });

  it.each([new TypeError("x is not a function"), new RangeError("Invalid string length")])(
    "is not the cause of %s, which is a bug",
    (error) => {
      expect(toSynclineError(error)).toMatchObject({ code: "SYN_INVARIANT", cause: error });
    },
  );
});
