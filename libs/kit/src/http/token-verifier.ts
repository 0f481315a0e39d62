import { Problem, ROLES, type Role, type WorkspaceId } from "@syncline/shared/protocol";
import { idSchema } from "@syncline/shared/schemas";
import { errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from "jose";
import { z } from "zod";
import type { Logger } from "../telemetry/log.ts";
import type { TokenRules } from "./token-env.ts";
import { openTokenKeys } from "./token-keys.ts";

/** The authenticated subject, with its role in each workspace. */
export interface Identity {
  subject: string;
  roleByWorkspace: ReadonlyMap<string, Role>;
  /** The time from which the token is rejected, in milliseconds since 1970. */
  expiresAtMs: number;
}

const claimsSchema = z.object({
  sub: idSchema,
  exp: z.number(),
  workspaces: z.record(idSchema, z.enum(ROLES)),
});

/**
 * Verifies an `Authorization` header.
 *
 * @throws {@link Problem} `unauthorized`; `unavailable` if the keys to check it with cannot be read
 */
export type VerifyToken = (authorization: string | undefined) => Promise<Identity>;

/** Verifies tokens and keeps their keys up to date. */
export interface TokenVerifier {
  verify: VerifyToken;
  stop: () => Promise<void>;
}

export function openTokenVerifier(rules: TokenRules, log: Logger): TokenVerifier {
  const { algorithms, issuer, audience, clockSkewSeconds } = rules;
  const { keys, stop } = openTokenKeys(rules.keys, log);
  const options: JWTVerifyOptions = {
    algorithms: [...algorithms],
    requiredClaims: ["exp"],
    clockTolerance: clockSkewSeconds,
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  };

  async function payloadOf(token: string): Promise<JWTPayload> {
    for (const key of keys) {
      try {
        // One overload takes a key, the other a function that finds the key.
        const { payload } = await (typeof key === "function"
          ? jwtVerify(token, key, options)
          : jwtVerify(token, key, options));
        return payload;
      } catch (error) {
        if (error instanceof Problem) throw error;
        if (error instanceof errors.JWSSignatureVerificationFailed) continue;
        const expired = error instanceof errors.JWTExpired;
        throw new Problem("unauthorized", {
          detail: expired ? "The token has expired" : "The token is not valid",
        });
      }
    }
    throw new Problem("unauthorized", { detail: "The token is not valid" });
  }

  return {
    async verify(authorization) {
      const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
      if (token === undefined)
        throw new Problem("unauthorized", { detail: "Send Authorization: Bearer <token>" });
      const claims = claimsSchema.safeParse(await payloadOf(token));
      if (!claims.success)
        throw new Problem("unauthorized", { detail: "The token lacks the claims sub and workspaces" });
      const { sub, workspaces, exp } = claims.data;
      return {
        subject: sub,
        roleByWorkspace: new Map(Object.entries(workspaces)),
        expiresAtMs: (exp + clockSkewSeconds) * 1_000,
      };
    },
    stop,
  };
}

/**
 * Requires at least this role in the workspace.
 *
 * @throws {@link Problem} `workspace-forbidden` or `role-insufficient`
 */
export function requireRole(
  identity: Pick<Identity, "roleByWorkspace">,
  workspaceId: WorkspaceId,
  least: Role,
): void {
  const role = identity.roleByWorkspace.get(workspaceId);
  if (role === undefined)
    throw new Problem("workspace-forbidden", { detail: "The token does not give access to this workspace" });
  if (ROLES.indexOf(role) < ROLES.indexOf(least)) {
    throw new Problem("role-insufficient", {
      detail: `Requires the role ${least}; the token grants ${role}`,
    });
  }
}
