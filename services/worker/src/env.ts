import { commonEnv, portVariable } from "@syncline/runtime";
import { z } from "zod";

export const envSchema = z.object({
  ...commonEnv,
  PORT: portVariable(3002),
  WORKER_CONCURRENCY: z.coerce
    .number()
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe("How many lanes a process drains at once; each takes one Postgres connection"),
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
    .describe("How often a worker looks for lanes whose wake-up was lost, in milliseconds"),
});
