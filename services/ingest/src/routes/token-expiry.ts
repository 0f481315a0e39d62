import { z } from "zod";

const claimsSchema = z.object({ exp: z.number() });

/** When the token of a request expires, in milliseconds since 1970. The token has been verified before. */
export function tokenExpiresAtMs(authorization: string | undefined): number {
  const claims = authorization?.split(".")[1] ?? "";
  return claimsSchema.parse(JSON.parse(Buffer.from(claims, "base64url").toString())).exp * 1_000;
}
