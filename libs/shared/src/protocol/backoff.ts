/** Bounds of a backoff, in milliseconds. */
export interface BackoffBounds {
  backoffMsMin: number;
  backoffMsMax: number;
}

/** The backoff of a failed drain, for as long as the fault lasts: no faster than a store can bear. */
export const DRAIN_BACKOFF: BackoffBounds = { backoffMsMin: 50, backoffMsMax: 5_000 };

/** The backoff between the rounds of a conflict. */
export const ROUND_BACKOFF: BackoffBounds = { backoffMsMin: 1_000, backoffMsMax: 300_000 };

/**
 * Exponential backoff with full jitter: a uniform draw between 0 and the doubled, capped bound.
 *
 * @param attempt - from 1
 * @param random - a draw from [0, 1)
 * @returns whole milliseconds, at least 1
 * @see Marc Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015)
 */
export function backoffMs(attempt: number, bounds: BackoffBounds, random: number): number {
  const doublings = Math.min(Math.max(attempt, 1) - 1, 40);
  const bound = Math.min(bounds.backoffMsMax, bounds.backoffMsMin * 2 ** doublings);
  return Math.max(1, Math.round(bound * random));
}
