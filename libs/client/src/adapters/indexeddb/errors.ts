import { SynclineClientError } from "../../public/errors.ts";

const nameOf = (error: unknown) =>
  error instanceof Error || error instanceof DOMException ? error.name : "";

/** Errors of a connection that the browser has ended. iOS does so to pages in the background. */
const LOST = new Set(["AbortError", "InvalidStateError", "TransactionInactiveError", "UnknownError"]);
/** Errors of the caller: a key or a value that IndexedDB does not take. */
const CALLER = new Set(["DataError", "DataCloneError"]);

export const isConnectionLost = (error: unknown) => LOST.has(nameOf(error));

/** Explains an error of IndexedDB; an error of the client is returned as it is. */
export function explainError(error: unknown): unknown {
  const name = nameOf(error);
  if (error instanceof SynclineClientError || CALLER.has(name)) return error;
  if (name === "QuotaExceededError")
    return new SynclineClientError("storageFull", "The browser's quota for this site is used up", {
      cause: error,
    });
  if (name === "VersionError") return tooNew(error);
  return new SynclineClientError("storageUnavailable", `IndexedDB failed: ${String(error)}`, {
    cause: error,
  });
}

export function tooNew(cause?: unknown): SynclineClientError {
  return new SynclineClientError(
    "storageTooNew",
    "A newer version of the app has upgraded the database: load the newest version",
    { cause },
  );
}

export function closed(reason: string): SynclineClientError {
  return new SynclineClientError("storageClosed", `The storage is closed: ${reason}`);
}
