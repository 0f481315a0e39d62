import { refineTokenEnv, tokenEnv } from "@syncline/kit/http";
import { portVariable, processEnv, stopDelayVariable } from "@syncline/kit/process";
import { redisEnv, refineRedisEnv } from "@syncline/lanes";
import { mergeBackoffEnv } from "@syncline/lanes/queues";
import { postgresEnv } from "@syncline/store";
import { policiesEnv } from "@syncline/shared/schemas";
import { z } from "zod";

export const envSchema = z
  .object({
    ...postgresEnv,
    ...redisEnv,
    ...processEnv,
    ...policiesEnv,
    ...mergeBackoffEnv,
    PORT: portVariable(3001),
    ...tokenEnv,
    STOP_DELAY_MS: stopDelayVariable,
    CONFLICT_CONCURRENCY: z.coerce
      .number()
      .int()
      .min(1)
      .max(64)
      .default(4)
      .describe("Number of merges that run at once, at least one per shard"),
    MERGE_ROUNDS_MAX: z.coerce
      .number()
      .int()
      .min(1)
      .max(32)
      .default(8)
      .describe("The last round of a conflict, which is merged inside the drain so that contention ends"),
    SWEEP_INTERVAL_MS: z.coerce
      .number()
      .int()
      .min(100)
      .default(5_000)
      .describe("Interval of the sweep for open conflicts without a job, in milliseconds"),
  })
  .superRefine(refineRedisEnv)
  .superRefine(refineTokenEnv);
