import { once } from "node:events";
import type { Response } from "express";

/** A client that takes nothing for so long is let go. */
const STALL_MS_MAX = 10_000;
/** What a client that left is still owed goes out within this time, or not at all. */
const END_MS_MAX = 2_000;

/**
 * Writes, and waits until the client has taken it, so that no more than one chunk is ever kept for a slow one.
 * @throws when the client takes nothing for long, and its connection is then closed; or when the signal is aborted
 */
export async function writeDrained(response: Response, chunk: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (response.write(chunk)) return;
  try {
    await once(response, "drain", { signal: AbortSignal.any([signal, AbortSignal.timeout(STALL_MS_MAX)]) });
  } catch (error) {
    if (!signal.aborted) response.destroy();
    throw error;
  }
}

/** Ends an answer, and does not wait for ever for a client that takes nothing. */
export function endSoon(response: Response): void {
  const timer = setTimeout(() => response.destroy(), END_MS_MAX);
  response.once("close", () => clearTimeout(timer));
  response.end();
}
