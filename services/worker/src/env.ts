import { commonEnv, portVariable, refineRedisEnv } from "@syncline/runtime";
import { z } from "zod";

/** A hundred years of days: more is a typing error. */
const DAYS_MAX = 36_500;
const DAYS_DEFAULT = { ledger: 180, history: 180, conflicts: 180, batches: 30 };

function daysVariable(defaultDays: number, meaning: string) {
  return z.coerce
    .number()
    .int()
    .min(0)
    .max(DAYS_MAX)
    .default(defaultDays)
    .describe(`${meaning}, in days; 0 keeps them for ever`);
}

export const envSchema = z
  .object({
    ...commonEnv,
    PORT: portVariable(3002),
    WORKER_CONCURRENCY: z.coerce
      .number()
      .int()
      .min(1)
      .max(64)
      .default(8)
      .describe(
        "How many lanes a process drains at once, one of each shard at least; their windows commit together",
      ),
    WINDOW_OPERATIONS_MAX: z.coerce
      .number()
      .int()
      .min(100)
      .max(5_000)
      .default(1_000)
      .describe("Most operations that one transaction applies"),
    SWEEP_INTERVAL_MS: z.coerce
      .number()
      .int()
      .min(100)
      .default(5_000)
      .describe(
        "How often a worker looks for lanes whose wake-up was lost, and for a lost schedule, in milliseconds",
      ),
    RETENTION_INTERVAL_MS: z.coerce
      .number()
      .int()
      .min(100)
      .default(3_600_000)
      .describe("How often what is older than its retention is dropped, in milliseconds"),
    RETENTION_LEDGER_DAYS: daysVariable(
      DAYS_DEFAULT.ledger,
      "How long the outcomes of operations are kept, so that a resend has no second effect",
    ),
    RETENTION_HISTORY_DAYS: daysVariable(
      DAYS_DEFAULT.history,
      "How long changes are kept once a newer one has taken their place, for merges and for the feed",
    ),
    RETENTION_CONFLICTS_DAYS: daysVariable(
      DAYS_DEFAULT.conflicts,
      "How long records of conflicts are kept once they are resolved or reported",
    ),
    RETENTION_BATCHES_DAYS: daysVariable(
      DAYS_DEFAULT.batches,
      "How long the results of batches can be read as a batch",
    ),
  })
  .superRefine(refineRedisEnv)
  .superRefine((env, context) => {
    // A batch looks up in the ledger what was pending when it was drained.
    if (!outlives(env.RETENTION_LEDGER_DAYS, env.RETENTION_BATCHES_DAYS)) {
      const changed = env.RETENTION_BATCHES_DAYS !== DAYS_DEFAULT.batches;
      context.addIssue({
        code: "custom",
        path: [changed ? "RETENTION_BATCHES_DAYS" : "RETENTION_LEDGER_DAYS"],
        message: "RETENTION_BATCHES_DAYS must not be longer than RETENTION_LEDGER_DAYS",
      });
    }
    // What a device saw of its own merge is in the conflict's record, and is the ancestor of what it sends next.
    if (!outlives(env.RETENTION_CONFLICTS_DAYS, env.RETENTION_HISTORY_DAYS)) {
      const changed = env.RETENTION_CONFLICTS_DAYS !== DAYS_DEFAULT.conflicts;
      context.addIssue({
        code: "custom",
        path: [changed ? "RETENTION_CONFLICTS_DAYS" : "RETENTION_HISTORY_DAYS"],
        message: "RETENTION_CONFLICTS_DAYS must not be shorter than RETENTION_HISTORY_DAYS",
      });
    }
  });

function outlives(days: number, otherDays: number): boolean {
  return days === 0 || (otherDays !== 0 && days >= otherDays);
}
