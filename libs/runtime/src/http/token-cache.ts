import { LRUCache } from "lru-cache";
import type { Identity, VerifyToken } from "./token-verifier.ts";

/** How long a token is taken at its word; one whose key is withdrawn is refused after that. */
const REMEMBERED_MS = 60_000;
/** Tokens as text, all together. */
const REMEMBERED_CHARS_MAX = 16 * 1024 * 1024;

/**
 * Remembers whose token it is: to check a signature takes longer than everything else that a small request needs. Never
 * beyond the token's own end; what is refused is not remembered.
 */
export function withTokenCache(verify: VerifyToken): VerifyToken {
  const identityByAuthorization = new LRUCache<string, Identity>({
    maxSize: REMEMBERED_CHARS_MAX,
    sizeCalculation: (_identity, authorization) => authorization.length,
    // Tokens end by this clock.
    perf: Date,
  });
  return async (authorization = "") => {
    const known = identityByAuthorization.get(authorization);
    if (known !== undefined) return known;
    const identity = await verify(authorization);
    const ttl = Math.min(REMEMBERED_MS, identity.expiresAtMs - Date.now());
    if (ttl > 0) identityByAuthorization.set(authorization, identity, { ttl });
    return identity;
  };
}
