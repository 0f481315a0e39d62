import { SignJWT, exportJWK, exportSPKI, generateKeyPair, type CryptoKey, type JWTPayload } from "jose";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Problem, ROLES, type ProblemType, type Role } from "@syncline/shared/protocol";
import { createLogger } from "../telemetry/log.ts";
import type { TokenRules } from "./token-env.ts";
import { openTokenVerifier, requireRole, type VerifyToken } from "./token-verifier.ts";

const SECRET = "a secret of thirty-two characters";
const CLAIMS = { sub: "user_1", workspaces: { w1: "reader", w2: "admin" } };
const log = createLogger({ service: "test", level: "silent" });

function verifierOf(rules: Partial<TokenRules>): VerifyToken {
  const { verify } = openTokenVerifier(
    {
      keys: { secrets: [SECRET] },
      algorithms: ["HS256"],
      issuer: undefined,
      audience: undefined,
      clockSkewSeconds: 0,
      ...rules,
    },
    log,
  );
  return verify;
}
const verify = verifierOf({});

function sign(claims: JWTPayload, { secret = SECRET, alg = "HS256", expires = "1h" } = {}): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg })
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(secret));
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

async function refusal(authorization: string | undefined, by = verify): Promise<Problem> {
  try {
    await by(authorization);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("the token was not rejected");
}

describe("a token", () => {
  it("that is valid gives the subject and its role in each workspace", async () => {
    expect(await verify(`Bearer ${await sign(CLAIMS)}`)).toStrictEqual({
      subject: "user_1",
      roleByWorkspace: new Map([
        ["w1", "reader"],
        ["w2", "admin"],
      ]),
      expiresAtMs: expect.any(Number) as number,
    });
  });

  it("that is valid gives the time of its expiry", async () => {
    const { expiresAtMs } = await verify(`Bearer ${await sign(CLAIMS)}`);
    expect(Math.abs(expiresAtMs - (Date.now() + 3_600_000))).toBeLessThan(60_000);
  });

  it("may follow the word Bearer in any case", async () => {
    expect((await verify(`bearer  ${await sign(CLAIMS)}`)).subject).toBe("user_1");
  });

  it.each([undefined, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer two tokens"])(
    "is required instead of %j",
    async (authorization) => {
      const problem = await refusal(authorization);
      expect([problem.type, problem.message]).toEqual(["unauthorized", "Send Authorization: Bearer <token>"]);
    },
  );

  it("that has expired is rejected, with this reason", async () => {
    const problem = await refusal(`Bearer ${await sign(CLAIMS, { expires: "1 minute ago" })}`);
    expect([problem.type, problem.message]).toEqual(["unauthorized", "The token has expired"]);
  });

  const now = Math.floor(Date.now() / 1_000);
  const header = base64url({ alg: "none", typ: "JWT" });
  const payload = base64url({ ...CLAIMS, exp: now + 3_600 });
  it.each<[string, () => Promise<string> | string]>([
    ["is signed with another key", () => sign(CLAIMS, { secret: "another secret, as long as it must be" })],
    ["is signed with another algorithm", () => sign(CLAIMS, { alg: "HS512", secret: SECRET })],
    ["is not signed at all", () => `${header}.${payload}.`],
    [
      "declares itself unsigned, but carries a signature",
      async () => {
        const [, , signature] = (await sign(CLAIMS)).split(".");
        return `${header}.${payload}.${signature}`;
      },
    ],
    [
      "was changed after it was signed",
      async () => {
        const [head, , signature] = (await sign(CLAIMS)).split(".");
        return `${head}.${base64url({ ...CLAIMS, sub: "root", exp: now + 3_600 })}.${signature}`;
      },
    ],
    [
      "never expires",
      () => new SignJWT(CLAIMS).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(SECRET)),
    ],
    ["is not valid yet", () => sign({ ...CLAIMS, nbf: now + 3_600 })],
    ["is no token", () => "token"],
  ])("that %s is rejected, without a reason that helps an attacker", async (_what, make) => {
    const problem = await refusal(`Bearer ${await make()}`);
    expect([problem.type, problem.status, problem.message]).toEqual([
      "unauthorized",
      401,
      "The token is not valid",
    ]);
  });

  it.each<[string, JWTPayload]>([
    ["no sub", { workspaces: {} }],
    ["an empty sub", { sub: "", workspaces: {} }],
    ["a sub that is too long for a device id", { sub: "x".repeat(201), workspaces: {} }],
    ["no workspaces", { sub: "user_1" }],
    ["workspaces that are a list", { sub: "user_1", workspaces: ["w1"] }],
    ["an unknown role", { sub: "user_1", workspaces: { w1: "owner" } }],
    ["a malformed workspace id", { sub: "user_1", workspaces: { "w\u0000": "admin" } }],
  ])("with %s is rejected", async (_what, claims) => {
    const problem = await refusal(`Bearer ${await sign(claims)}`);
    expect([problem.type, problem.message]).toEqual([
      "unauthorized",
      "The token lacks the claims sub and workspaces",
    ]);
  });
});

describe("the rules", () => {
  const now = Math.floor(Date.now() / 1_000);

  it("apply to issuer and audience, if they are set", async () => {
    const strict = verifierOf({ issuer: "https://id.example", audience: "syncline" });
    const claims = { ...CLAIMS, iss: "https://id.example", aud: ["other", "syncline"] };
    expect((await strict(`Bearer ${await sign(claims)}`)).subject).toBe("user_1");
    for (const wrong of [{ iss: "https://evil.example" }, { aud: "other" }]) {
      const problem = await refusal(`Bearer ${await sign({ ...claims, ...wrong })}`, strict);
      expect([problem.type, problem.message]).toEqual(["unauthorized", "The token is not valid"]);
    }
    expect((await refusal(`Bearer ${await sign(CLAIMS)}`, strict)).type).toBe("unauthorized");
  });

  it("tolerate the configured clock skew", async () => {
    const lenient = verifierOf({ clockSkewSeconds: 60 });
    const ended = await sign({ ...CLAIMS, exp: now - 30 }, { expires: "30 seconds ago" });
    const early = await sign({ ...CLAIMS, nbf: now + 30 });
    expect((await refusal(`Bearer ${ended}`)).message).toBe("The token has expired");
    expect((await refusal(`Bearer ${early}`)).message).toBe("The token is not valid");
    expect((await lenient(`Bearer ${ended}`)).expiresAtMs).toBeGreaterThan(Date.now());
    expect((await lenient(`Bearer ${early}`)).subject).toBe("user_1");
    expect((await refusal(`Bearer ${await sign(CLAIMS, { expires: "2 minutes ago" })}`, lenient)).type).toBe(
      "unauthorized",
    );
  });

  it("accept a secret and the previous one, while both are set", async () => {
    const old = await sign(CLAIMS, { secret: "the secret that was there before this" });
    const rotating = verifierOf({ keys: { secrets: [SECRET, "the secret that was there before this"] } });
    expect((await rotating(`Bearer ${old}`)).subject).toBe("user_1");
    expect((await rotating(`Bearer ${await sign(CLAIMS)}`)).subject).toBe("user_1");
    expect((await refusal(`Bearer ${old}`)).message).toBe("The token is not valid");
  });
});

describe("keys of an identity provider", () => {
  interface Pair {
    privateKey: CryptoKey;
    publicKey: CryptoKey;
  }
  let published: { kid: string; pair: Pair }[] = [];
  /** The provider's response in place of keys. */
  let trouble: { status: number; body: string } | undefined;
  const away = { status: 500, body: "" };
  let looks = 0;
  const provider = createServer((_request, response) => {
    looks++;
    if (trouble !== undefined) return response.writeHead(trouble.status).end(trouble.body);
    return void Promise.all(
      published.map(async ({ kid, pair }) => ({ ...(await exportJWK(pair.publicKey)), kid, alg: "RS256" })),
    ).then((keys) => response.setHeader("content-type", "application/json").end(JSON.stringify({ keys })));
  });
  let first: Pair;
  let second: Pair;
  beforeAll(async () => {
    first = await generateKeyPair("RS256");
    second = await generateKeyPair("RS256");
    await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => provider.close());

  const openVerifier = () => {
    const { port } = provider.address() as AddressInfo;
    return openTokenVerifier(
      {
        keys: { jwksUrl: `http://127.0.0.1:${port}/jwks` },
        algorithms: ["RS256"],
        issuer: undefined,
        audience: undefined,
        clockSkewSeconds: 0,
      },
      log,
    );
  };
  const signBy = async (kid: string, { privateKey }: Pair) =>
    `Bearer ${await new SignJWT(CLAIMS).setProtectedHeader({ alg: "RS256", kid }).setExpirationTime("1h").sign(privateKey)}`;

  it("are found by their id, also one that is published later, and stay known while the provider is unavailable", async () => {
    published = [{ kid: "one", pair: first }];
    const { verify, stop } = openVerifier();
    try {
      expect((await verify(await signBy("one", first))).subject).toBe("user_1");
      published = [...published, { kid: "two", pair: second }];
      // Tokens with unknown key ids do not trigger a read each.
      const before = looks;
      for (let i = 0; i < 20; i++) {
        expect((await refusal(await signBy(`unknown-${i}`, second), verify)).type).toBe("unauthorized");
      }
      expect(looks - before).toBeLessThanOrEqual(1);
      vi.useFakeTimers({ toFake: ["Date"] }).setSystemTime(Date.now() + 11_000);
      expect((await verify(await signBy("two", second))).subject).toBe("user_1");
      trouble = away;
      vi.setSystemTime(Date.now() + 3_000_000);
      expect((await verify(await signBy("one", first))).subject).toBe("user_1");
    } finally {
      vi.useRealTimers();
      trouble = undefined;
      await stop();
    }
  });

  it.each([
    ["is unavailable", away],
    ["answers with a page", { status: 200, body: "<h1>Back soon</h1>" }],
    ["answers without keys", { status: 200, body: '{"error":"later"}' }],
  ])("are not read for every unknown key id while the provider %s", async (_, answer) => {
    published = [{ kid: "one", pair: first }];
    const { verify, stop } = openVerifier();
    try {
      await verify(await signBy("one", first));
      trouble = answer;
      vi.useFakeTimers({ toFake: ["Date"] }).setSystemTime(Date.now() + 11_000);
      const before = looks;
      for (let i = 0; i < 20; i++) {
        expect((await refusal(await signBy(`unknown-${i}`, second), verify)).type).toBe("unavailable");
      }
      expect(looks - before).toBe(1);
      expect((await verify(await signBy("one", first))).subject).toBe("user_1");
      trouble = undefined;
      published = [...published, { kid: "two", pair: second }];
      vi.setSystemTime(Date.now() + 11_000);
      expect((await verify(await signBy("two", second))).subject).toBe("user_1");
    } finally {
      vi.useRealTimers();
      trouble = undefined;
      await stop();
    }
  });

  it("that cannot be read make a token unavailable, not invalid", async () => {
    trouble = away;
    const { verify, stop } = openVerifier();
    try {
      const problem = await refusal(await signBy("one", first), verify);
      expect([problem.type, problem.details.retryAfterSeconds]).toEqual(["unavailable", 5]);
    } finally {
      trouble = undefined;
      await stop();
    }
  });

  it("are never used as a secret, and no other algorithm is accepted", async () => {
    published = [{ kid: "one", pair: first }];
    const { verify, stop } = openVerifier();
    const hour = Math.floor(Date.now() / 1_000) + 3_600;
    const forged = [await exportSPKI(first.publicKey), JSON.stringify(await exportJWK(first.publicKey))].map(
      (secret) =>
        new SignJWT(CLAIMS)
          .setProtectedHeader({ alg: "HS256", kid: "one" })
          .setExpirationTime(hour)
          .sign(new TextEncoder().encode(secret)),
    );
    const unsigned = `${base64url({ alg: "none", kid: "one" })}.${base64url({ ...CLAIMS, exp: hour })}.`;
    for (const token of [...(await Promise.all(forged)), unsigned]) {
      expect((await refusal(`Bearer ${token}`, verify)).message).toBe("The token is not valid");
    }
    await stop();
  });
});

describe("a role", () => {
  const inWorkspace = (role: Role) => ({ subject: "user_1", roleByWorkspace: new Map([["w", role]]) });
  const problem = (type: ProblemType) => expect.objectContaining({ type, status: 403 });

  it.each<[Role, Role[]]>([
    ["reader", ["reader"]],
    ["writer", ["reader", "writer"]],
    ["admin", ["reader", "writer", "admin"]],
  ])("%s grants %j and no other", (role, enough) => {
    for (const least of ROLES) {
      const check = () => requireRole(inWorkspace(role), "w", least);
      if (enough.includes(least)) expect(check).not.toThrow();
      else expect(check).toThrow(problem("role-insufficient"));
    }
  });

  it("counts in its own workspace alone", () => {
    const roleByWorkspace = new Map<string, Role>([
      ["w", "reader"],
      ["w2", "admin"],
    ]);
    expect(() => requireRole({ roleByWorkspace }, "w", "writer")).toThrow(problem("role-insufficient"));
    expect(() => requireRole({ roleByWorkspace }, "w2", "admin")).not.toThrow();
  });

  it.each(["w2", "W", "", "__proto__", "constructor"])(
    "in one workspace grants no access to %j",
    (workspaceId) => {
      expect(() => requireRole(inWorkspace("admin"), workspaceId, "reader")).toThrow(
        problem("workspace-forbidden"),
      );
    },
  );
});
