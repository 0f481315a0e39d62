import { z } from "zod";
import { weaknessOf } from "./weak-secret.ts";

/** Never `none`; and the two lists have nothing in common, so that a public key is never taken for a secret. */
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

/** How tokens are checked: read by the services that answer requests. */
export const tokenEnv = {
  JWT_SECRET: secretVariable.describe(
    "What tokens are signed with, where that is a shared secret: random, at least 32 characters. This, or JWT_JWKS_URL",
  ),
  JWT_SECRET_PREVIOUS: secretVariable.describe(
    "The secret before this one, while tokens signed with it are about: they are accepted, too",
  ),
  JWT_JWKS_URL: z
    .url({ protocol: /^https?$/ })
    .refine(
      (url) =>
        !url.startsWith("http:") || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname),
      "must be https, unless it is this machine",
    )
    .optional()
    .describe(
      "Where the identity provider publishes its keys (a JWK set). Keys come and go without a restart",
    ),
  JWT_ALGORITHMS: z
    .string()
    .transform((list) => list.split(",").map((name) => name.trim()))
    .pipe(z.array(z.enum(ALGORITHMS)).min(1))
    .optional()
    .describe(
      "The algorithms that are accepted, comma-separated: HS256 where there is a secret, RS256 and ES256 where there is a JWK set",
    ),
  JWT_ISSUER: z
    .string()
    .min(1)
    .optional()
    .describe("What `iss` must be; needed with JWT_JWKS_URL. Without it any will do"),
  JWT_AUDIENCE: z
    .string()
    .min(1)
    .optional()
    .describe("What `aud` must be, or contain; needed with JWT_JWKS_URL. Without it any will do"),
  JWT_CLOCK_SKEW_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(300)
    .default(5)
    .describe("How far the clocks of who issues tokens and of this service may differ, in seconds"),
} as const;

const tokenEnvSchema = z.object(tokenEnv);
export type TokenEnv = z.infer<typeof tokenEnvSchema>;

/** How tokens are checked, once it is certain. */
export interface TokenRules {
  keys: { secrets: [string, ...string[]] } | { jwksUrl: string };
  algorithms: readonly string[];
  issuer: string | undefined;
  audience: string | undefined;
  clockSkewSeconds: number;
}

/** What the variables are together, or the one that does not fit the others, and why. */
function readTokenRules(env: TokenEnv): { rules: TokenRules } | { fault: [keyof TokenEnv, string] } {
  const { JWT_SECRET: secret, JWT_SECRET_PREVIOUS: previous, JWT_JWKS_URL: jwksUrl } = env;
  const rules = {
    issuer: env.JWT_ISSUER,
    audience: env.JWT_AUDIENCE,
    clockSkewSeconds: env.JWT_CLOCK_SKEW_SECONDS,
  };
  if (jwksUrl === undefined) {
    if (secret === undefined) return { fault: ["JWT_SECRET", "is needed, or JWT_JWKS_URL"] };
    const algorithms = env.JWT_ALGORITHMS ?? ["HS256"];
    const stray = algorithms.find((name) => !SECRET_ALGORITHMS.some((known) => known === name));
    if (stray !== undefined) return { fault: ["JWT_ALGORITHMS", `${stray} needs JWT_JWKS_URL`] };
    const secrets: [string, ...string[]] = previous === undefined ? [secret] : [secret, previous];
    return { rules: { ...rules, keys: { secrets }, algorithms } };
  }
  if (secret !== undefined) return { fault: ["JWT_SECRET", "goes without JWT_JWKS_URL"] };
  if (previous !== undefined) return { fault: ["JWT_SECRET_PREVIOUS", "goes with JWT_SECRET"] };
  // A provider serves many applications: without these two, a token for any of them would do here.
  for (const name of ["JWT_ISSUER", "JWT_AUDIENCE"] as const) {
    if (env[name] === undefined) return { fault: [name, "is needed with JWT_JWKS_URL"] };
  }
  const algorithms = env.JWT_ALGORITHMS ?? ["RS256", "ES256"];
  const stray = algorithms.find((name) => !KEY_ALGORITHMS.some((known) => known === name));
  if (stray !== undefined) return { fault: ["JWT_ALGORITHMS", `${stray} needs JWT_SECRET`] };
  return { rules: { ...rules, keys: { jwksUrl }, algorithms } };
}

/** The rules that an environment holds, which {@link refineTokenEnv} has accepted. */
export function tokenRulesOf(env: TokenEnv): TokenRules {
  const read = readTokenRules(env);
  if ("rules" in read) return read.rules;
  throw new Error(read.fault.join(" "));
}

/** For the schemas of the services that check tokens: refuses variables that do not fit together. */
export function refineTokenEnv(env: TokenEnv, context: z.RefinementCtx): void {
  const read = readTokenRules(env);
  if ("rules" in read) return;
  const [name, message] = read.fault;
  context.addIssue({ code: "custom", path: [name], message });
}
