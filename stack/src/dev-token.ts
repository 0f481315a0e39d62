import { SignJWT } from "jose";

/** The role that a token grants in a workspace. */
export type WorkspaceRole = "reader" | "writer" | "admin";

export interface DevTokenOptions {
  /** The HS256 secret that ingest verifies tokens with. */
  readonly secret: string;
  readonly workspaces: Readonly<Record<string, WorkspaceRole>>;
  readonly subject?: string;
  /** A duration in jose's notation: `30 days`, `10 minutes`, `-1 hour` for an expired token. */
  readonly expiresIn?: string;
}

/** Creates a token for development and tests, with the claims of an identity provider's token. */
export function createDevToken(options: DevTokenOptions): Promise<string> {
  const { secret, workspaces, subject = "dev", expiresIn = "30 days" } = options;
  return new SignJWT({ workspaces })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime(expiresIn)
    .sign(new TextEncoder().encode(secret));
}
