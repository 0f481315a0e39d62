/** Bounds of the wait after a failure. */
export interface BackoffSettings {
  readonly backoffMsMin: number;
  readonly backoffMsMax: number;
}

/**
 * The wait after a failure: exponential, with full jitter.
 *
 * @param attempt - the number of failures in a row, from 1
 * @param random - a draw from [0, 1)
 */
export function backOffMs(attempt: number, settings: BackoffSettings, random: number): number {
  const bound = Math.min(settings.backoffMsMax, settings.backoffMsMin * 2 ** Math.min(attempt - 1, 30));
  return Math.max(1, Math.round(bound * random));
}

/** The wait that the server asked for, plus up to a fifth, so that not all clients come back at once. */
export function toldMs(retryAfterMs: number, random: number): number {
  return Math.round(retryAfterMs * (1 + random / 5));
}

/** The pauses between two questions about a batch that is pending: 1, 2, 4 … 30 s. */
export function askBatchMs(attempt: number): number {
  return Math.min(30_000, 1_000 * 2 ** Math.min(attempt - 1, 5));
}
