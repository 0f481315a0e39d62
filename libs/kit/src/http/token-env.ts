import { z } from "zod";
import { weaknessOf } from "./weak-secret.ts";

/** Never `none`. The two lists are disjoint, so that a public key is never used as a secret. */
const SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"] as const;
const KEY_ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
] as const;
const ALGORITHMS = [...SECRET_ALGORITHMS, ...KEY_ALGORITHMS] as const;

const secretVariable = z
  .string()
  .min(32)
  .superRefine((secret, context) => {
    const weakness = weaknessOf(secret);
    if (weakness !== undefined) context.addIssue({ code: "custom", message: weakness });
  })
  .optional();

/** Variables for token verification, read by the services that serve requests. */
export const tokenEnv = {
  JWT_SECRET: secretVariable.describe(
    "The shared secret that tokens are signed with: random, at least 32 characters. Set this or JWT_JWKS_URL",
  ),
  JWT_SECRET_PREVIOUS: secretVariable.describe(
    "The previous secret, while tokens signed with it are in use: they are accepted, too",
  ),
  JWT_JWKS_URL: z
    .url({ protocol: /^https?$/ })
    .refine(
      (url) =>
        !url.startsWith("http:") || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname),
      "must be https, unless it is this machine",
    )
    .optional()
    .describe("The URL of the identity provider's keys (a JWK set). Keys can be rotated without a restart"),
  JWT_ALGORITHMS: z
    .string()
    .transform((list) => list.split(",").map((name) => name.trim()))
    .pipe(z.array(z.enum(ALGORITHMS)).min(1))
    .optional()
    .describe(
      "The accepted algorithms, comma-separated. Default: HS256 with a secret, RS256 and ES256 with a JWK set",
    ),
  JWT_ISSUER: z
    .string()
    .min(1)
    .optional()
    .describe("The required value of `iss`; needed with JWT_JWKS_URL. If unset, any value is accepted"),
  JWT_AUDIENCE: z
    .string()
    .min(1)
    .optional()
    .describe(
      "The value that `aud` must be or contain; needed with JWT_JWKS_URL. If unset, any value is accepted",
    ),
  JWT_CLOCK_SKEW_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(300)
    .default(5)
    .describe(
      "The tolerated difference between the clocks of the token issuer and of this service, in seconds",
    ),
} as const;

const tokenEnvSchema = z.object(tokenEnv);
export type TokenEnv = z.infer<typeof tokenEnvSchema>;

/** The validated rules for token verification. */
export interface TokenRules {
  keys: { secrets: [string, ...string[]] } | { jwksUrl: string };
  algorithms: readonly string[];
  issuer: string | undefined;
  audience: string | undefined;
  clockSkewSeconds: number;
}

/** Reads the rules, or finds the variable that contradicts the others and the reason. */
function readTokenRules(env: TokenEnv): { rules: TokenRules } | { fault: [keyof TokenEnv, string] } {
  const { JWT_SECRET: secret, JWT_SECRET_PREVIOUS: previous, JWT_JWKS_URL: jwksUrl } = env;
  const rules = {
    issuer: env.JWT_ISSUER,
    audience: env.JWT_AUDIENCE,
    clockSkewSeconds: env.JWT_CLOCK_SKEW_SECONDS,
  };
  if (jwksUrl === undefined) {
    if (secret === undefined) return { fault: ["JWT_SECRET", "or JWT_JWKS_URL is required"] };
    const algorithms = env.JWT_ALGORITHMS ?? ["HS256"];
    const stray = algorithms.find((name) => !SECRET_ALGORITHMS.some((known) => known === name));
    if (stray !== undefined) return { fault: ["JWT_ALGORITHMS", `${stray} requires JWT_JWKS_URL`] };
    const secrets: [string, ...string[]] = previous === undefined ? [secret] : [secret, previous];
    return { rules: { ...rules, keys: { secrets }, algorithms } };
  }
  if (secret !== undefined)
    return { fault: ["JWT_SECRET", "JWT_SECRET and JWT_JWKS_URL are mutually exclusive; unset one"] };
  if (previous !== undefined) return { fault: ["JWT_SECRET_PREVIOUS", "it requires JWT_SECRET"] };
  // A provider serves many applications: without these two, a token for any of them would be accepted.
  for (const name of ["JWT_ISSUER", "JWT_AUDIENCE"] as const) {
    if (env[name] === undefined) return { fault: [name, "is required with JWT_JWKS_URL"] };
  }
  const algorithms = env.JWT_ALGORITHMS ?? ["RS256", "ES256"];
  const stray = algorithms.find((name) => !KEY_ALGORITHMS.some((known) => known === name));
  if (stray !== undefined) return { fault: ["JWT_ALGORITHMS", `${stray} requires JWT_SECRET`] };
  return { rules: { ...rules, keys: { jwksUrl }, algorithms } };
}

/** The rules of an environment that {@link refineTokenEnv} accepted. */
export function tokenRulesOf(env: TokenEnv): TokenRules {
  const read = readTokenRules(env);
  if ("rules" in read) return read.rules;
  throw new Error(read.fault.join(" "));
}

/** Rejects variables that contradict each other. For the schemas of services that verify tokens. */
export function refineTokenEnv(env: TokenEnv, context: z.RefinementCtx): void {
  const read = readTokenRules(env);
  if ("rules" in read) return;
  const [name, message] = read.fault;
  context.addIssue({ code: "custom", path: [name], message });
}
