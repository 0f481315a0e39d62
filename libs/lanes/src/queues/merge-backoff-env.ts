import { ROUND_BACKOFF, type BackoffBounds } from "@syncline/shared/protocol";
import { z } from "zod";

/** Variables of every process that schedules or predicts the rounds of a conflict's merge. */
export const mergeBackoffEnv = {
  MERGE_BACKOFF_MS_MIN: z.coerce
    .number()
    .int()
    .min(1)
    .max(60_000)
    .default(ROUND_BACKOFF.backoffMsMin)
    .describe(
      "The longest wait before the second round of a conflict's merge, in milliseconds; it doubles with each round; the first round starts immediately. Must be the same for all three services",
    ),
  MERGE_BACKOFF_MS_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(3_600_000)
    .default(ROUND_BACKOFF.backoffMsMax)
    .describe("The upper limit of the wait between two rounds, in milliseconds"),
} as const;

/** The backoff between the rounds of a conflict's merge. */
export function mergeBackoffOf(
  env: Record<"MERGE_BACKOFF_MS_MIN" | "MERGE_BACKOFF_MS_MAX", number>,
): BackoffBounds {
  return { backoffMsMin: env.MERGE_BACKOFF_MS_MIN, backoffMsMax: env.MERGE_BACKOFF_MS_MAX };
}
