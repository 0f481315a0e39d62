import { ROUND_BACKOFF, type BackoffBounds } from "@syncline/shared/protocol";
import { z } from "zod";
import { policiesVariable } from "./policies.ts";
import type { RedisAddress } from "./redis/shards.ts";

/** Bounds the connections: each process opens a few to every shard. */
const SHARDS_MAX = 256;

/** Variables that more than one service reads. Each service spreads the ones it needs into its own schema. */
export const commonEnv = {
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .describe("Postgres 15 or newer, as postgres://user:password@host:port/database"),
  REDIS_URL: z
    .string()
    .transform((list) => list.split(/,\s*(?=rediss?:)/))
    .pipe(z.array(z.url({ protocol: /^rediss?$/ })))
    .describe(
      "Redis 7 or Valkey, as redis://host:port/number. For a cluster: one node or several, comma-separated; the other nodes are discovered; the first URL's user and password apply to all",
    ),
  REDIS_CLUSTER: z
    .enum(["true", "false"])
    .default("false")
    .describe("true if REDIS_URL names nodes of a Redis Cluster"),
  REDIS_SHARDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(SHARDS_MAX)
    .default(1)
    .describe(
      "The number of shards that the lanes are spread over on a cluster: a power of two, at most LANES; four per master spread well. Stored at the first start; a process with another number refuses to start",
    ),
  HOST: z.string().min(1).default("0.0.0.0").describe("The address to listen on"),
  LANES: z.coerce
    .number()
    .int()
    .default(16)
    .describe(
      "The number of lanes, a power of two. Stored at the first start; a process with another number refuses to start",
    ),
  LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "trace"])
    .default("info")
    .describe("The least severe level that is logged"),
  METRICS_PORT: z.coerce
    .number()
    .int()
    .min(1)
    .max(65535)
    .optional()
    .describe("A separate port for /metrics, to keep it from clients; if unset, /metrics is served on PORT"),
  POLICIES: policiesVariable,
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

/** Rejects Redis variables that contradict each other. */
export function refineRedisEnv(
  env: Pick<RedisAddress, "REDIS_URL" | "REDIS_CLUSTER">,
  context: z.RefinementCtx,
): void {
  const isCluster = env.REDIS_CLUSTER === "true";
  const refuse = (message: string) => context.addIssue({ code: "custom", path: ["REDIS_URL"], message });
  if (!isCluster && env.REDIS_URL.length > 1) refuse("it names several nodes, but REDIS_CLUSTER is not true");
  if (isCluster && env.REDIS_URL.some((url) => !/^\/?0?$/.test(new URL(url).pathname))) {
    refuse("a cluster has one database only, number 0");
  }
}

/** The backoff between the rounds of a conflict's merge. */
export function mergeBackoffOf(
  env: Record<"MERGE_BACKOFF_MS_MIN" | "MERGE_BACKOFF_MS_MAX", number>,
): BackoffBounds {
  return { backoffMsMin: env.MERGE_BACKOFF_MS_MIN, backoffMsMax: env.MERGE_BACKOFF_MS_MAX };
}

/** For services that receive requests. */
export const stopDelayVariable = z.coerce
  .number()
  .int()
  .min(0)
  .max(15_000)
  .default(5_000)
  .describe(
    "The time after SIGTERM during which requests are still served while /readyz answers 503, so that load balancers notice, in milliseconds",
  );

/** A port, with the service's own default. */
export function portVariable(port: number) {
  return z.coerce.number().int().min(0).max(65535).default(port).describe("The port to listen on");
}

/** Thrown at start. Its message names every variable that is missing or invalid, each with its reason. */
export class EnvError extends Error {
  override readonly name = "EnvError";
}

/**
 * Reads the environment through one schema. An empty variable counts as unset.
 * @throws {@link EnvError} naming every faulty variable, but no value: a value may be a secret
 */
export function readEnv<S extends z.ZodObject>(schema: S, env: NodeJS.ProcessEnv): z.infer<S> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const parsed = schema.safeParse(given);
  if (parsed.success) {
    const crossed = findCrossedBounds(parsed.data);
    if (crossed.length === 0) return parsed.data;
    throw new EnvError(`Cannot start. ${crossed.join(". ")}.`);
  }
  const faults = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0] ?? "environment");
    const hint = schema.shape[name]?.description;
    const problem = given[name] === undefined ? "is not set" : `is not usable: ${issue.message}`;
    return `${name} ${problem}${hint === undefined ? "" : ` (${hint})`}`;
  });
  throw new EnvError(`Cannot start. ${faults.join(". ")}.`);
}

/** Finds each …_MIN variable that is greater than its …_MAX. */
function findCrossedBounds(env: Record<string, unknown>): string[] {
  return Object.entries(env).flatMap(([name, min]) => {
    const nameOfMax = name.replace(/_MIN$/, "_MAX");
    const max = env[nameOfMax];
    const isCrossed = typeof min === "number" && typeof max === "number" && min > max;
    return isCrossed ? [`${name} must not be greater than ${nameOfMax}`] : [];
  });
}

/**
 * Reads the environment at the start of a process. If a variable is faulty, prints one sentence and exits with status
 * 1.
 */
export function readEnvOrExit<S extends z.ZodObject>(schema: S): z.infer<S> {
  try {
    return readEnv(schema, process.env);
  } catch (error) {
    if (!(error instanceof EnvError)) throw error;
    console.error(error.message);
    return process.exit(1);
  }
}
