import { SynclineClientError } from "../../public/errors.ts";

// Drivers differ in their codes, and all pass on SQLite's message.
const BUSY = /is locked/i;
const FULL = /is full/i;

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

export const isBusy = (error: unknown) => BUSY.test(messageOf(error));

/** Explains a driver's error; an error of the client is returned as it is. */
export function explainError(error: unknown): unknown {
  if (error instanceof SynclineClientError) return error;
  const message = messageOf(error);
  if (FULL.test(message))
    return new SynclineClientError("storageFull", `The device is full: ${message}`, { cause: error });
  if (isBusy(error))
    return new SynclineClientError("storageBusy", "Another process holds the database's lock: try again", {
      cause: error,
    });
  // The caller's fault: a key or a value that cannot be stored.
  if (error instanceof RangeError || error instanceof TypeError) return error;
  return new SynclineClientError("storageUnavailable", `SQLite failed: ${message}`, { cause: error });
}
