import { Problem } from "@syncline/shared/protocol";
import type { HolderKind } from "../core/shares.ts";

/** Builds the problem for a subject or an address that has reached its share. */
export function shareExceeded(kind: HolderKind, what: string, retryAfterSeconds: number): Problem {
  const holder = kind === "subject" ? "The token's subject" : "The client's address";
  return new Problem("share-exceeded", {
    detail: `${holder} has reached its share of this process's ${what}; wait until some of its requests have ended`,
    retryAfterSeconds,
  });
}
