import { LRUCache } from "lru-cache";
import type { Identity, VerifyToken } from "./token-verifier.ts";

/** The time that a verification stays valid; a token whose key was withdrawn is rejected after it. */
const REMEMBERED_MS = 60_000;
/** The total length of the cached tokens. */
const REMEMBERED_CHARS_MAX = 16 * 1024 * 1024;

/**
 * Caches the identity of verified tokens, because checking a signature costs more than the rest of a small request. An
 * entry never outlives its token; rejections are not cached.
 */
export function withTokenCache(verify: VerifyToken): VerifyToken {
  const identityByAuthorization = new LRUCache<string, Identity>({
    maxSize: REMEMBERED_CHARS_MAX,
    sizeCalculation: (_identity, authorization) => authorization.length,
    // The clock that tokens expire by.
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
