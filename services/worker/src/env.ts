import { portVariable, processEnv } from "@syncline/kit/process";
import { redisEnv, refineRedisEnv } from "@syncline/lanes";
import { mergeBackoffEnv } from "@syncline/lanes/queues";
import { postgresEnv } from "@syncline/store";
import { policiesEnv } from "@syncline/shared/schemas";
import { z } from "zod";
import type { Retention } from "./jobs/apply-retention.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

/** A hundred years of days; a larger number is a typing error. */
const DAYS_MAX = 36_500;
const DAYS_DEFAULT = { ledger: 180, history: 180, conflicts: 180, batches: 30 };

function daysVariable(defaultDays: number, meaning: string) {
  return z.coerce
    .number()
    .int()
    .min(0)
    .max(DAYS_MAX)
    .default(defaultDays)
    .describe(`${meaning}, in days; 0 keeps them indefinitely`);
}

export const envSchema = z
  .object({
    ...postgresEnv,
    ...redisEnv,
    ...processEnv,
    ...policiesEnv,
    ...mergeBackoffEnv,
    PORT: portVariable(3002),
    WORKER_CONCURRENCY: z.coerce
      .number()
      .int()
      .min(1)
      .max(64)
      .default(8)
      .describe(
        "Number of lanes that a process drains at once, at least one of each shard; their windows commit together",
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
        "Interval at which a worker looks for lanes whose wake-up was lost, and for a lost schedule, in milliseconds",
      ),
    RETENTION_INTERVAL_MS: z.coerce
      .number()
      .int()
      .min(100)
      .default(3_600_000)
      .describe("Interval at which rows older than their retention are dropped, in milliseconds"),
    RETENTION_LEDGER_DAYS: daysVariable(
      DAYS_DEFAULT.ledger,
      "Retention of the outcomes of operations, by which a resend has no second effect",
    ),
    RETENTION_HISTORY_DAYS: daysVariable(
      DAYS_DEFAULT.history,
      "Retention of changes after a newer one has superseded them, for merges and for the feed",
    ),
    RETENTION_CONFLICTS_DAYS: daysVariable(
      DAYS_DEFAULT.conflicts,
      "Retention of conflict records after they are resolved or reported",
    ),
    RETENTION_BATCHES_DAYS: daysVariable(
      DAYS_DEFAULT.batches,
      "Retention of the results of batches as a batch",
    ),
  })
  .superRefine(refineRedisEnv)
  .superRefine((env, context) => {
    // A batch reads from the ledger the results that were pending when it was drained.
    if (!outlives(env.RETENTION_LEDGER_DAYS, env.RETENTION_BATCHES_DAYS)) {
      const changed = env.RETENTION_BATCHES_DAYS !== DAYS_DEFAULT.batches;
      context.addIssue({
        code: "custom",
        path: [changed ? "RETENTION_BATCHES_DAYS" : "RETENTION_LEDGER_DAYS"],
        message: "RETENTION_BATCHES_DAYS must not be longer than RETENTION_LEDGER_DAYS",
      });
    }
    // A device's view of its own merge is in the conflict's record, and is the ancestor of its next operations.
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

export function retentionOf(env: z.infer<typeof envSchema>): Retention {
  return {
    ledgerDays: env.RETENTION_LEDGER_DAYS,
    historyDays: env.RETENTION_HISTORY_DAYS,
    conflictsDays: env.RETENTION_CONFLICTS_DAYS,
    batchesDays: env.RETENTION_BATCHES_DAYS,
  };
}

/** The ledger's retention in milliseconds; `undefined`: indefinite. */
export function ledgerRetentionMsOf(env: z.infer<typeof envSchema>): number | undefined {
  return env.RETENTION_LEDGER_DAYS === 0 ? undefined : env.RETENTION_LEDGER_DAYS * DAY_MS;
}
