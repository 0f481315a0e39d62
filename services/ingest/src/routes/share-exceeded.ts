import { Problem } from "@syncline/runtime";
import type { HolderKind } from "../core/shares.ts";

/** The problem of a subject, or an address, that has its share of something. */
export function shareExceeded(kind: HolderKind, what: string, retryAfterSeconds: number): Problem {
  const holder = kind === "subject" ? "The token's subject" : "The client's address";
  return new Problem("share-exceeded", {
    detail: `${holder} has its share of this process's ${what}; let some of its requests end first`,
    retryAfterSeconds,
  });
}
