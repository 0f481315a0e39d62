import { SynclineError, type ErrorCodeName } from "@syncline/shared/protocol";
import pg from "pg";
import { codeOfSqlState } from "./postgres-faults.ts";

/** The message of each code, for log lines and `/readyz`. */
const MESSAGES: Partial<Record<ErrorCodeName, string>> = {
  SYN_OPERATION_REFUSED: "Postgres rejected a value",
  SYN_POSTGRES_CONTENTION: "Postgres aborted the transaction because of contention",
  SYN_POSTGRES_LIMIT: "A statement exceeded its time or memory limit",
  SYN_POSTGRES_UNAVAILABLE: "Postgres is not available",
  SYN_POSTGRES_DEPLOYMENT: "The database's schema, permissions or settings do not fit this version",
  SYN_POSTGRES_UNEXPECTED: "Postgres failed with an unexpected error",
  SYN_WORKSPACE_MOVED: "Another drain committed to the workspace first",
  SYN_INVARIANT: "A plan violates an invariant",
};

/**
 * Classifies a failure of a statement or of a connection attempt by SQLSTATE, never by message text: see {@link
 * codeOfSqlState}.
 */
export function toSynclineError(cause: unknown): SynclineError {
  if (cause instanceof TypeError || cause instanceof RangeError || cause instanceof SyntaxError) {
    return new SynclineError("SYN_INVARIANT", "A statement was called with invalid arguments", { cause });
  }
  if (!(cause instanceof pg.DatabaseError)) {
    return new SynclineError("SYN_POSTGRES_UNAVAILABLE", "Postgres cannot be reached", { cause });
  }
  const state = cause.code ?? "unknown";
  const code = codeOfSqlState(state);
  return new SynclineError(code, `${MESSAGES[code] ?? code} (SQLSTATE ${state})`, {
    cause,
    ...(cause.code !== undefined && { attributes: { "db.response.status_code": cause.code } }),
  });
}
