import { SignJWT } from "jose";

/** What a token lets its bearer do in a workspace. */
export type WorkspaceRole = "reader" | "writer" | "admin";

export interface DevTokenOptions {
  /** The HS256 secret that ingest checks tokens with. */
  readonly secret: string;
  readonly workspaces: Readonly<Record<string, WorkspaceRole>>;
  readonly subject?: string;
  /** As jose writes spans of time: `30 days`, `10 minutes`, `-1 hour` for one that has expired. */
  readonly expiresIn?: string;
}

/** Makes a token for development and tests, of the shape that an identity provider would issue. */
export function createDevToken(options: DevTokenOptions): Promise<string> {
  const { secret, workspaces, subject = "dev", expiresIn = "30 days" } = options;
  return new SignJWT({ workspaces })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime(expiresIn)
    .sign(new TextEncoder().encode(secret));
}
