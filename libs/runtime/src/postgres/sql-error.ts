import { SynclineError } from "@syncline/shared";
import pg from "pg";

/** Says what a failure of Postgres means. SQLSTATEs decide, message text never does. */
export function toSynclineError(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) {
    return isConnectionError(error)
      ? new SynclineError("SYN_POSTGRES_UNAVAILABLE", "Postgres cannot be reached", { cause: error })
      : error;
  }
  const state = error.code ?? "";
  if (state === "SYN01") return new SynclineError("SYN_WORKSPACE_MOVED", error.message, { cause: error });
  if (state === "SYN02") return new SynclineError("SYN_INVARIANT", error.message, { cause: error });
  // Data exceptions and program limits are about a value; integrity and syntax errors would be ours.
  if (state.startsWith("22") || state.startsWith("54")) {
    return new SynclineError("SYN_OPERATION_REFUSED", error.message, { cause: error });
  }
  // A unique violation is another drain's row, seen only now.
  if (state.startsWith("40") || state === "55P03" || state === "23505") {
    return new SynclineError("SYN_POSTGRES_CONTENTION", error.message, { cause: error });
  }
  if (/^(08|53|57|58)/.test(state) || state === "25006" || state === "25P03") {
    return new SynclineError("SYN_POSTGRES_UNAVAILABLE", error.message, { cause: error });
  }
  return error;
}

function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && typeof error.code === "string" && /^E[A-Z]+$/.test(error.code)) return true;
  // pg raises these as plain errors without a code.
  return /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout)/.test(
    error.message,
  );
}
