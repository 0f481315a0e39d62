import { SignJWT, type JWTPayload } from "jose";
import { describe, expect, it } from "vitest";
import { Problem, type ProblemType } from "./problem.ts";
import { ROLES, createTokenVerifier, requireRole, type Role } from "./token-verifier.ts";

const SECRET = "a secret of thirty-two characters";
const CLAIMS = { sub: "user_1", workspaces: { w1: "reader", w2: "admin" } };
const verify = createTokenVerifier(SECRET);

function sign(claims: JWTPayload, { secret = SECRET, alg = "HS256", expires = "1h" } = {}): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg })
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(secret));
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

async function refusal(authorization: string | undefined): Promise<Problem> {
  try {
    await verify(authorization);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("the token was not refused");
}

describe("a token", () => {
  it("that is valid says who asks, and what they may do where", async () => {
    expect(await verify(`Bearer ${await sign(CLAIMS)}`)).toStrictEqual({
      subject: "user_1",
      roleByWorkspace: new Map([
        ["w1", "reader"],
        ["w2", "admin"],
      ]),
      expiresAtMs: expect.any(Number) as number,
    });
  });

  it("that is valid says when it ends", async () => {
    const { expiresAtMs } = await verify(`Bearer ${await sign(CLAIMS)}`);
    expect(Math.abs(expiresAtMs - (Date.now() + 3_600_000))).toBeLessThan(60_000);
  });

  it("may be introduced in any case", async () => {
    expect((await verify(`bearer  ${await sign(CLAIMS)}`)).subject).toBe("user_1");
  });

  it.each([undefined, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer two tokens"])(
    "is asked for where there is only %j",
    async (authorization) => {
      const problem = await refusal(authorization);
      expect([problem.type, problem.message]).toEqual(["unauthorized", "Send Authorization: Bearer <token>"]);
    },
  );

  it("that has expired is refused, and says so", async () => {
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
      "says that it is not signed, and carries a signature",
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
  ])("that %s is refused, without a reason that helps to guess", async (_what, make) => {
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
    ["a sub too long for a device to be named after", { sub: "x".repeat(201), workspaces: {} }],
    ["no workspaces", { sub: "user_1" }],
    ["workspaces that are a list", { sub: "user_1", workspaces: ["w1"] }],
    ["a role that there is not", { sub: "user_1", workspaces: { w1: "owner" } }],
  ])("with %s is refused", async (_what, claims) => {
    const problem = await refusal(`Bearer ${await sign(claims)}`);
    expect([problem.type, problem.message]).toEqual([
      "unauthorized",
      "The token lacks the claims sub and workspaces",
    ]);
  });
});

describe("a role", () => {
  const inWorkspace = (role: Role) => ({ subject: "user_1", roleByWorkspace: new Map([["w", role]]) });
  const forbidden = expect.objectContaining({ type: "forbidden" satisfies ProblemType, status: 403 });

  it.each<[Role, Role[]]>([
    ["reader", ["reader"]],
    ["writer", ["reader", "writer"]],
    ["admin", ["reader", "writer", "admin"]],
  ])("of %s is enough for %j and for no other", (role, enough) => {
    for (const least of ROLES) {
      const check = () => requireRole(inWorkspace(role), "w", least);
      if (enough.includes(least)) expect(check).not.toThrow();
      else expect(check).toThrow(forbidden);
    }
  });

  it.each(["w2", "W", "", "__proto__", "constructor"])(
    "in one workspace gives nothing in %j",
    (workspaceId) => {
      expect(() => requireRole(inWorkspace("admin"), workspaceId, "reader")).toThrow(forbidden);
    },
  );
});
