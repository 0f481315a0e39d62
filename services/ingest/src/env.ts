import { ORIGIN_PATTERN, refineTokenEnv, tokenEnv } from "@syncline/kit/http";
import { portVariable, processEnv, stopDelayVariable } from "@syncline/kit/process";
import { redisEnv, refineRedisEnv } from "@syncline/lanes";
import { mergeBackoffEnv } from "@syncline/lanes/queues";
import { postgresEnv } from "@syncline/store";
import { BATCH_BYTES_MAX, BATCH_OPERATIONS_MAX } from "@syncline/shared/protocol";
import { policiesEnv } from "@syncline/shared/schemas";
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
      `Limit on operations per second of ${whose}, counted over ${RATE_WINDOW_SECONDS} s; 0 for no limit. Requests over it are answered 429`,
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
      `The share of one ${whose} in requests, memory for bodies, streams and snapshots: at most this percentage of the amount that all others leave. Requests over it are answered 429`,
    );
}

export const envSchema = z
  .object({
    ...postgresEnv,
    ...redisEnv,
    ...processEnv,
    ...policiesEnv,
    ...mergeBackoffEnv,
    PORT: portVariable(3000),
    ...tokenEnv,
    STOP_DELAY_MS: stopDelayVariable,
    CONFLICT_URL: z
      .url({ protocol: /^https?$/ })
      .describe("Address of the conflict service, for the conflict routes that ingest forwards"),
    REQUEST_TIMEOUT_MS: z.coerce
      .number()
      .int()
      .min(1_000)
      .max(600_000)
      .default(60_000)
      .describe("Longest time to receive a whole request, in milliseconds; a slower one is answered 408"),
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
        "Origins whose pages may use the API from a browser, comma-separated, such as https://app.example.com. A port of `*` is any port, and `*` alone any origin. By default no page may",
      ),
    TRUST_PROXY: z
      .string()
      .regex(
        /^(\d{1,2}|(loopback|linklocal|uniquelocal|[\da-f.:]+(\/\d{1,3})?)(, ?(loopback|linklocal|uniquelocal|[\da-f.:]+(\/\d{1,3})?))*)$/i,
        "must be a number of proxies, or a list of addresses and networks",
      )
      .optional()
      .describe(
        "Proxies that are trusted to name the client's address (X-Forwarded-For): their number, or their addresses and networks, comma-separated. By default none, and the audit trail has the proxy's address",
      ),
    WINDOW_MS: z.coerce
      .number()
      .int()
      .min(0)
      .max(10_000)
      .default(0)
      .describe(
        "Time that an idle lane collects operations before it drains, in milliseconds; urgent operations do not wait",
      ),
    WAIT_MS_MAX: z.coerce
      .number()
      .int()
      .min(0)
      .max(300_000)
      .default(30_000)
      .describe(
        "Longest time that a request waits for its results before it is answered 202, in milliseconds",
      ),
    EVENT_STREAMS_MAX: z.coerce
      .number()
      .int()
      .min(0)
      .max(100_000)
      .default(1_000)
      .describe(
        "Limit on open event streams and waiting readers of the feed in a process. Requests over it are answered 503",
      ),
    SNAPSHOTS_MAX: z.coerce
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(50)
      .describe("Limit on snapshots read at once in a process. Requests over it are answered 503"),
    CONNECTIONS_MAX: z.coerce
      .number()
      .int()
      .min(10)
      .max(1_000_000)
      .default(5_000)
      .describe(
        "Limit on open connections in a process. At the limit each new connection closes one without a request in progress, of the address that has most of them",
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
        "Lowest average rate of a request's body after its first 10 s, in bytes per second; 0 for no limit. A slower one is answered 408",
      ),
    BODY_THREADS: z.coerce
      .number()
      .int()
      .min(1)
      .max(64)
      .default(1)
      .describe("Threads that parse and check bodies of more than 64 KiB; smaller bodies need none"),
    REQUESTS_MAX: z.coerce
      .number()
      .int()
      .min(1)
      .max(100_000)
      .default(200)
      .describe(
        "Limit on requests in progress in a process, excluding long-lived responses. Requests over it are answered 503",
      ),
    REQUEST_BYTES_MAX: z.coerce
      .number()
      .int()
      .min(BATCH_BYTES_MAX)
      .max(1024 ** 4)
      .default(256 * 1024 * 1024)
      .describe(
        `Limit on the memory for request bodies in progress in a process, in bytes: ${MEMORY_PER_BYTE} for each received byte, decompressed. Requests over it are answered 503`,
      ),
    LANE_WAITING_OPERATIONS_MAX: z.coerce
      .number()
      .int()
      .min(BATCH_OPERATIONS_MAX)
      .max(10_000_000)
      .default(20_000)
      .describe("Limit on operations that wait on a lane. Requests over it are answered 503"),
    LANE_WAITING_BYTES_MAX: z.coerce
      .number()
      .int()
      .min(BATCH_BYTES_MAX)
      .max(1024 ** 4)
      .default(32 * 1024 * 1024)
      .describe("Limit on bytes that wait on a lane. Requests over it are answered 503"),
    WORKSPACE_WAITING_OPERATIONS_MAX: z.coerce
      .number()
      .int()
      .min(BATCH_OPERATIONS_MAX)
      .max(10_000_000)
      .default(2_000)
      .describe("Limit on waiting operations of one workspace. Requests over it are answered 429"),
    RATE_WORKSPACE: rateVariable("a workspace"),
    RATE_SUBJECT: rateVariable("a token's subject"),
  })
  .superRefine(refineRedisEnv)
  .superRefine(refineTokenEnv);
