import { Problem, ROLES, type Role, type WorkspaceId } from "@syncline/shared/protocol";

/** The subject of a request, with its roles. */
export interface Identity {
  subject: string;
  roleByWorkspace: ReadonlyMap<string, Role>;
  expiresAtMs: number;
}

/** The claims of a token. */
export interface TokenClaims {
  sub: string;
  workspaces: Readonly<Record<string, Role>>;
  /** Seconds since 1970. */
  exp: number;
}

/** Writes a token that has the form of a JWT, so that a client can read its claims. It is not signed. */
export function writeToken(claims: TokenClaims): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  return [encode({ alg: "none" }), encode(claims), "unsigned"].join(".");
}

/** @throws {@link Problem} `unauthorized` for a missing, malformed or expired token */
export function readToken(authorization: string | undefined, nowMs: number): Identity {
  const [, payload] = /^Bearer [^.\s]+\.([^.\s]+)\.unsigned$/.exec(authorization ?? "") ?? [];
  if (payload === undefined)
    throw new Problem("unauthorized", { detail: "Send Authorization: Bearer <token>" });
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as TokenClaims;
  const expiresAtMs = claims.exp * 1_000;
  if (expiresAtMs <= nowMs) throw new Problem("unauthorized", { detail: "The token has expired" });
  return { subject: claims.sub, roleByWorkspace: new Map(Object.entries(claims.workspaces)), expiresAtMs };
}

/** @throws {@link Problem} `workspace-forbidden` or `role-insufficient` unless the identity has at least this role in the workspace */
export function requireRole({ roleByWorkspace }: Identity, workspaceId: WorkspaceId, least: Role): void {
  const role = roleByWorkspace.get(workspaceId);
  if (role === undefined) {
    throw new Problem("workspace-forbidden", { detail: "The token does not give access to this workspace" });
  }
  if (ROLES.indexOf(role) < ROLES.indexOf(least)) {
    throw new Problem("role-insufficient", {
      detail: `Requires the role ${least}; the token grants ${role}`,
    });
  }
}

/** @throws {@link Problem} `workspace-forbidden` or `role-insufficient` unless some workspace can be written */
export function requireSomeWriter({ roleByWorkspace }: Identity): void {
  if ([...roleByWorkspace.values()].some((role) => role !== "reader")) return;
  if (roleByWorkspace.size === 0) {
    throw new Problem("workspace-forbidden", { detail: "The token names no workspace" });
  }
  throw new Problem("role-insufficient", {
    detail: "This route needs the role writer, and the token has it in no workspace",
  });
}
