import { once } from "node:events";
import type { Writable } from "node:stream";

/** Longest time that a client may leave a chunk unread before its connection is closed. */
const STALL_MS_MAX = 10_000;
/** Time limit for sending the remaining data of an ended response. */
const END_MS_MAX = 2_000;

/**
 * Writes a chunk and waits until the client has received it, so that at most one chunk is kept for a slow client.
 * @throws if the client reads too slowly, after closing its connection; or if the signal is aborted
 */
export async function writeDrained(body: Writable, chunk: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (body.write(chunk)) return;
  try {
    await once(body, "drain", { signal: AbortSignal.any([signal, AbortSignal.timeout(STALL_MS_MAX)]) });
  } catch (error) {
    if (!signal.aborted) body.destroy();
    throw error;
  }
}

/** Ends a response without waiting indefinitely for a client that does not read. */
export function endSoon(body: Writable): void {
  const timer = setTimeout(() => body.destroy(), END_MS_MAX);
  body.once("close", () => clearTimeout(timer));
  body.end();
}
