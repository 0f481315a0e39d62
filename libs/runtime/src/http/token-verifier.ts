import { idSchema } from "@syncline/shared";
import { jwtVerify } from "jose";
import { z } from "zod";
import { Problem } from "./problem.ts";

export const ROLES = ["reader", "writer", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** Who asks, and what they may do where. */
export interface Identity {
  subject: string;
  roleByWorkspace: ReadonlyMap<string, Role>;
  /** When the token ends, in milliseconds since 1970. */
  expiresAtMs: number;
}

const claimsSchema = z.object({
  sub: idSchema,
  exp: z.number(),
  workspaces: z.record(z.string(), z.enum(ROLES)),
});

/** @throws {@link Problem} `unauthorized` */
export type VerifyToken = (authorization: string | undefined) => Promise<Identity>;

export function createTokenVerifier(secret: string): VerifyToken {
  const key = new TextEncoder().encode(secret);
  return async (authorization) => {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    if (token === undefined)
      throw new Problem("unauthorized", { detail: "Send Authorization: Bearer <token>" });
    let payload: unknown;
    try {
      ({ payload } = await jwtVerify(token, key, { algorithms: ["HS256"], requiredClaims: ["exp"] }));
    } catch (error) {
      const expired = error instanceof Error && "code" in error && error.code === "ERR_JWT_EXPIRED";
      throw new Problem("unauthorized", {
        detail: expired ? "The token has expired" : "The token is not valid",
      });
    }
    const claims = claimsSchema.safeParse(payload);
    if (!claims.success)
      throw new Problem("unauthorized", { detail: "The token lacks the claims sub and workspaces" });
    const { sub, workspaces, exp } = claims.data;
    return { subject: sub, roleByWorkspace: new Map(Object.entries(workspaces)), expiresAtMs: exp * 1_000 };
  };
}

/** @throws {@link Problem} `forbidden` unless the identity has at least this role in the workspace */
export function requireRole(
  identity: Pick<Identity, "roleByWorkspace">,
  workspaceId: string,
  least: Role,
): void {
  const role = identity.roleByWorkspace.get(workspaceId);
  if (role === undefined)
    throw new Problem("forbidden", { detail: "The token does not give access to this workspace" });
  if (ROLES.indexOf(role) < ROLES.indexOf(least)) {
    throw new Problem("forbidden", { detail: `This needs the role ${least}; the token gives ${role}` });
  }
}
