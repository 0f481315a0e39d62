import {
  commonEnv,
  portVariable,
  refineRedisEnv,
  refineTokenEnv,
  stopDelayVariable,
  tokenEnv,
} from "@syncline/runtime";
import { z } from "zod";

export const envSchema = z
  .object({
    ...commonEnv,
    PORT: portVariable(3001),
    ...tokenEnv,
    STOP_DELAY_MS: stopDelayVariable,
    CONFLICT_CONCURRENCY: z.coerce
      .number()
      .int()
      .min(1)
      .max(64)
      .default(4)
      .describe("How many merges run at once, one of each shard at least"),
    MERGE_ROUNDS_MAX: z.coerce
      .number()
      .int()
      .min(1)
      .max(32)
      .default(8)
      .describe("The round that is merged in the drain, so that contention ends"),
    SWEEP_INTERVAL_MS: z.coerce
      .number()
      .int()
      .min(100)
      .default(5_000)
      .describe("How often open conflicts without a job are looked for, in milliseconds"),
  })
  .superRefine(refineRedisEnv)
  .superRefine(refineTokenEnv);
