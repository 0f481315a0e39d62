import { SynclineError } from "@syncline/shared";
import pg from "pg";

/**
 * Says what a failure of a statement, or of getting a connection, means. SQLSTATEs decide, message text never does. Only
 * what is about a value counts against an operation; whatever nobody foresaw is tried again.
 */
export function toSynclineError(cause: unknown): SynclineError {
  if (cause instanceof TypeError || cause instanceof RangeError || cause instanceof SyntaxError) {
    return new SynclineError("SYN_INVARIANT", "A statement was called wrongly", { cause });
  }
  if (!(cause instanceof pg.DatabaseError)) {
    return new SynclineError("SYN_POSTGRES_UNAVAILABLE", "Postgres cannot be reached", { cause });
  }
  const state = cause.code ?? "unknown";
  const says = (what: string): string => `${what} (SQLSTATE ${state})`;
  if (state === "SYN01") {
    return new SynclineError("SYN_WORKSPACE_MOVED", "Another drain has committed meanwhile", { cause });
  }
  if (state === "SYN02")
    return new SynclineError("SYN_INVARIANT", says("A plan is against the rules"), { cause });
  // Data, constraints, limits, and what a trigger raises.
  if (/^(22|23|54)/.test(state) || state === "P0001") {
    return new SynclineError("SYN_OPERATION_REFUSED", says("Postgres refuses a value"), { cause });
  }
  if (state.startsWith("40") || state === "55P03") {
    return new SynclineError("SYN_POSTGRES_CONTENTION", says("Postgres asks to try again"), { cause });
  }
  if (/^(08|25|53|57|58)/.test(state)) {
    return new SynclineError("SYN_POSTGRES_UNAVAILABLE", says("Postgres is not available"), { cause });
  }
  return new SynclineError("SYN_POSTGRES_UNEXPECTED", says("Postgres failed in an unforeseen way"), {
    cause,
  });
}
