import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { EnvError, readEnv } from "../process/env.ts";
import { refineTokenEnv, tokenEnv, tokenRulesOf } from "./token-env.ts";

const schema = z.object(tokenEnv).superRefine(refineTokenEnv);
const SECRET = randomBytes(24).toString("hex");
const PROVIDER = {
  JWT_JWKS_URL: "https://id.example/jwks",
  JWT_ISSUER: "https://id.example",
  JWT_AUDIENCE: "syncline",
};

const rulesOf = (env: NodeJS.ProcessEnv) => tokenRulesOf(readEnv(schema, env));
function faultOf(env: NodeJS.ProcessEnv): string {
  try {
    readEnv(schema, env);
  } catch (error) {
    if (error instanceof EnvError) return error.message;
    throw error;
  }
  throw new Error("the environment was not rejected");
}

describe("the environment of token verification", () => {
  it("selects a secret and HS256, or a provider's keys and RS256 or ES256", () => {
    expect(rulesOf({ JWT_SECRET: SECRET })).toStrictEqual({
      keys: { secrets: [SECRET] },
      algorithms: ["HS256"],
      issuer: undefined,
      audience: undefined,
      clockSkewSeconds: 5,
    });
    expect(rulesOf({ ...PROVIDER, JWT_CLOCK_SKEW_SECONDS: "0" })).toStrictEqual({
      keys: { jwksUrl: PROVIDER.JWT_JWKS_URL },
      algorithms: ["RS256", "ES256"],
      issuer: PROVIDER.JWT_ISSUER,
      audience: "syncline",
      clockSkewSeconds: 0,
    });
  });

  it("accepts a list of algorithms and a second secret", () => {
    const previous = randomBytes(24).toString("hex");
    const env = { JWT_SECRET: SECRET, JWT_SECRET_PREVIOUS: previous, JWT_ALGORITHMS: "HS256, HS512" };
    expect(rulesOf(env)).toMatchObject({
      keys: { secrets: [SECRET, previous] },
      algorithms: ["HS256", "HS512"],
    });
  });

  it.each<[string, NodeJS.ProcessEnv, string]>([
    ["neither secret nor keys", {}, "JWT_SECRET is not set"],
    ["both", { JWT_SECRET: SECRET, ...PROVIDER }, "JWT_SECRET is not usable"],
    ["a provider without an issuer", { ...PROVIDER, JWT_ISSUER: "" }, "JWT_ISSUER is not set"],
    ["a provider without an audience", { ...PROVIDER, JWT_AUDIENCE: "" }, "JWT_AUDIENCE is not set"],
    ["a secret for public keys", { JWT_SECRET: SECRET, JWT_ALGORITHMS: "RS256" }, "JWT_ALGORITHMS"],
    ["public keys for a secret", { ...PROVIDER, JWT_ALGORITHMS: "RS256,HS256" }, "JWT_ALGORITHMS"],
    ["no signature", { JWT_SECRET: SECRET, JWT_ALGORITHMS: "none" }, "JWT_ALGORITHMS"],
    ["keys over unencrypted HTTP", { ...PROVIDER, JWT_JWKS_URL: "http://id.example/" }, "https"],
    ["a clock skew above the maximum", { JWT_SECRET: SECRET, JWT_CLOCK_SKEW_SECONDS: "3600" }, "SKEW"],
  ])("is rejected with %s", (_what, env, fault) => {
    expect(faultOf(env)).toContain(fault);
  });

  it.each([
    "sesame",
    "x".repeat(32),
    "abcd".repeat(10),
    "s3cr3t-Keys s3cr3t-Keys s3cr3t-Keys ",
    "your-256-bit-secret-your-256-bit-secret!",
    "a-string-secret-at-least-256-bits-long",
    "super-secret-jwt-token-with-at-least-32-characters-long",
    "change-me-change-this-to-something-random",
    "CHANGEME-0c4f3ab1-9d27-4e58-8f61-7ab2",
    "my-very-own-secret-key-for-this-server",
    "ThisIsAnExampleOfHowLongItMustBe!",
    "abcdefghijklmnopqrstuvwxyz0123456789",
  ])("is rejected with a guessable secret: %s", (secret) => {
    for (const name of ["JWT_SECRET", "JWT_SECRET_PREVIOUS"]) {
      const fault = faultOf({ JWT_SECRET: SECRET, [name]: secret });
      expect(fault).toContain(`${name} is not usable`);
      expect(fault).not.toContain(secret);
    }
  });

  it("accepts every random secret, in any encoding", () => {
    for (let i = 0; i < 500; i++) {
      for (const encoding of ["hex", "base64", "base64url"] as const) {
        expect(rulesOf({ JWT_SECRET: randomBytes(32).toString(encoding) }).algorithms).toEqual(["HS256"]);
      }
    }
    const unlucky = "cTvMi/w1dXPQMymC2RGuKcZ5ICmkEY7WwM+4v6uQFLU=";
    expect(rulesOf({ JWT_SECRET: unlucky }).algorithms).toEqual(["HS256"]);
  });
});
