import { z } from "zod";

/** Variables of every process that serves HTTP. */
export const processEnv = {
  HOST: z.string().min(1).default("0.0.0.0").describe("The address to listen on"),
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
} as const;

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
