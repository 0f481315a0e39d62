import {
  commonEnv,
  ORIGIN_PATTERN,
  portVariable,
  refineRedisEnv,
  refineTokenEnv,
  stopDelayVariable,
  tokenEnv,
} from "@syncline/runtime";
import { BATCH_BYTES_MAX, BATCH_OPERATIONS_MAX } from "@syncline/shared";
import { z } from "zod";
import { RATE_WINDOW_SECONDS } from "./io/rate-limits.ts";
import { MEMORY_PER_BYTE } from "./routes/with-body.ts";

function rateVariable(whose: string) {
  return z.coerce
    .number()
    .int()
    .min(0)
    .max(1_000_000)
    .refine((rate) => rate === 0 || rate * RATE_WINDOW_SECONDS >= BATCH_OPERATIONS_MAX, {
      error: `it must be 0 or at least ${BATCH_OPERATIONS_MAX / RATE_WINDOW_SECONDS}`,
    })
    .default(0)
    .describe(
      `Most operations a second of ${whose}, counted over ${RATE_WINDOW_SECONDS} s; 0 is no limit. Beyond it the answer is 429`,
    );
}

function shareVariable(percent: number, whose: string) {
  return z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .default(percent)
    .describe(
      `The share of one ${whose} in requests, memory for bodies, streams and snapshots: at most so many percent of what all others leave. Beyond it the answer is 429`,
    );
}

export const envSchema = z
  .object({
    ...commonEnv,
    PORT: portVariable(3000),
    ...tokenEnv,
    STOP_DELAY_MS: stopDelayVariable,
    CONFLICT_URL: z
      .url({ protocol: /^https?$/ })
      .describe("Where the conflict service answers, for its forwarded routes"),
    REQUEST_TIMEOUT_MS: z.coerce
      .number()
      .int()
      .min(1_000)
      .max(600_000)
      .default(60_000)
      .describe(
        "How long a client may take to send a request whole, in milliseconds; then it is answered 408",
      ),
    CORS_ORIGINS: z
      .string()
      .transform((list) => list.split(",").map((origin) => origin.trim()))
      .pipe(
        z.array(
          z
            .string()
            .regex(
              ORIGIN_PATTERN,
              "must be an origin, such as https://app.example.com or http://localhost:*",
            ),
        ),
      )
      .optional()
      .describe(
        "The origins whose pages may use the API from a browser, comma-separated, such as https://app.example.com. A port of `*` is any port, and `*` alone any origin. Without it no page may",
      ),
    TRUST_PROXY: z
      .string()
      .regex(
        /^(\d{1,2}|(loopback|linklocal|uniquelocal|[\da-f.:]+(\/\d{1,3})?)(, ?(loopback|linklocal|uniquelocal|[\da-f.:]+(\/\d{1,3})?))*)$/i,
        "must be a number of proxies, or a list of addresses and networks",
      )
      .optional()
      .describe(
        "Which proxies are believed when they say who asked (X-Forwarded-For): how many there are, or their addresses and networks, comma-separated. Without it none, and the audit trail has the proxy's address",
      ),
    WINDOW_MS: z.coerce
      .number()
      .int()
      .min(0)
      .max(10_000)
      .default(0)
      .describe(
        "How long an idle lane waits for company before it drains, in milliseconds; urgent operations do not wait",
      ),
    WAIT_MS_MAX: z.coerce
      .number()
      .int()
      .min(0)
      .max(300_000)
      .default(30_000)
      .describe("How long a request waits for its results before it is answered 202, in milliseconds"),
    EVENT_STREAMS_MAX: z.coerce
      .number()
      .int()
      .min(0)
      .max(100_000)
      .default(1_000)
      .describe(
        "Most event streams and waiting readers of the feed at once in a process. Beyond it the answer is 503",
      ),
    SNAPSHOTS_MAX: z.coerce
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(50)
      .describe("Most snapshots that are read at once in a process. Beyond it the answer is 503"),
    CONNECTIONS_MAX: z.coerce
      .number()
      .int()
      .min(10)
      .max(1_000_000)
      .default(5_000)
      .describe(
        "Most connections open at once in a process. Beyond it one without a request under way is closed for each that comes, of the address that has most of them",
      ),
    SUBJECT_SHARE_PERCENT: shareVariable(50, "subject"),
    ADDRESS_SHARE_PERCENT: shareVariable(75, "address"),
    BODY_BYTES_PER_SECOND_MIN: z.coerce
      .number()
      .int()
      .min(0)
      .max(1024 * 1024)
      .default(1_024)
      .describe(
        "Least bytes a second of a request's body, on average, after its first 10 s; 0 is no limit. A slower one is answered 408",
      ),
    BODY_THREADS: z.coerce
      .number()
      .int()
      .min(1)
      .max(64)
      .default(1)
      .describe("Threads that parse and check bodies of more than 64 KiB; small ones need none"),
    REQUESTS_MAX: z.coerce
      .number()
      .int()
      .min(1)
      .max(100_000)
      .default(200)
      .describe(
        "Most requests under way at once in a process, answers that stay open apart. Beyond it the answer is 503",
      ),
    REQUEST_BYTES_MAX: z.coerce
      .number()
      .int()
      .min(BATCH_BYTES_MAX)
      .max(1024 ** 4)
      .default(256 * 1024 * 1024)
      .describe(
        `Most memory for bodies that are under way at once in a process, in bytes: ${MEMORY_PER_BYTE} for each of theirs that has come, decompressed. Beyond it the answer is 503`,
      ),
    LANE_WAITING_OPERATIONS_MAX: z.coerce
      .number()
      .int()
      .min(BATCH_OPERATIONS_MAX)
      .max(10_000_000)
      .default(20_000)
      .describe("Most operations that wait on a lane. Beyond it the answer is 503"),
    LANE_WAITING_BYTES_MAX: z.coerce
      .number()
      .int()
      .min(BATCH_BYTES_MAX)
      .max(1024 ** 4)
      .default(32 * 1024 * 1024)
      .describe("Most bytes that wait on a lane. Beyond it the answer is 503"),
    WORKSPACE_WAITING_OPERATIONS_MAX: z.coerce
      .number()
      .int()
      .min(BATCH_OPERATIONS_MAX)
      .max(10_000_000)
      .default(2_000)
      .describe("Most operations of one workspace that wait. Beyond it the answer is 429"),
    RATE_WORKSPACE: rateVariable("a workspace"),
    RATE_SUBJECT: rateVariable("a token's subject"),
  })
  .superRefine(refineRedisEnv)
  .superRefine(refineTokenEnv);
