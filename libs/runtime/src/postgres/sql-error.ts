import { SynclineError, type ErrorCodeName } from "@syncline/shared";
import pg from "pg";
import { codeOfSqlState } from "./postgres-faults.ts";

/** What a log line and `/readyz` say of a failure, by its code. */
const MESSAGES: Partial<Record<ErrorCodeName, string>> = {
  SYN_OPERATION_REFUSED: "Postgres refuses a value",
  SYN_POSTGRES_CONTENTION: "Postgres asks to try again",
  SYN_POSTGRES_LIMIT: "A statement took longer, or more memory, than it may",
  SYN_POSTGRES_UNAVAILABLE: "Postgres is not available",
  SYN_POSTGRES_DEPLOYMENT: "The database's schema, rights or settings do not fit this version",
  SYN_POSTGRES_UNEXPECTED: "Postgres failed in an unforeseen way",
  SYN_WORKSPACE_MOVED: "Another drain has committed meanwhile",
  SYN_INVARIANT: "A plan is against the rules",
};

/**
 * Classifies a failure of a statement, or of getting a connection. SQLSTATEs decide, message text never does; the table is
 * {@link codeOfSqlState}'s.
 */
export function toSynclineError(cause: unknown): SynclineError {
  if (cause instanceof TypeError || cause instanceof RangeError || cause instanceof SyntaxError) {
    return new SynclineError("SYN_INVARIANT", "A statement was called wrongly", { cause });
  }
  if (!(cause instanceof pg.DatabaseError)) {
    return new SynclineError("SYN_POSTGRES_UNAVAILABLE", "Postgres cannot be reached", { cause });
  }
  const state = cause.code ?? "unknown";
  const code = codeOfSqlState(state);
  return new SynclineError(code, `${MESSAGES[code] ?? code} (SQLSTATE ${state})`, { cause });
}
