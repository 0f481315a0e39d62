import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from "jose";
import type { Logger } from "../log.ts";
import { repeat } from "../repeat.ts";
import { Problem } from "./problem.ts";
import type { TokenRules } from "./token-env.ts";

/** A key that is no longer published is no longer accepted after so long. */
const REFRESH_MS = 5 * 60_000;
/** A key that nobody has heard of makes us look at once, but not more often than this. */
const LOOK_AGAIN_MS = 10_000;
const FETCH_TIMEOUT_MS = 5_000;

/** The keys that a token may be signed with: each is tried in turn. */
export interface TokenKeys {
  keys: readonly (Uint8Array | JWTVerifyGetKey)[];
  stop: () => Promise<void>;
}

export function openTokenKeys(source: TokenRules["keys"], log: Logger): TokenKeys {
  if ("secrets" in source) {
    const keys = source.secrets.map((secret) => new TextEncoder().encode(secret));
    return { keys, stop: async () => undefined };
  }
  // Looked at in the background, and never thrown away: while the provider is away, the keys known by then are good.
  const remote = createRemoteJWKSet(new URL(source.jwksUrl), {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: LOOK_AGAIN_MS,
    timeoutDuration: FETCH_TIMEOUT_MS,
    [customFetch]: createFetchWithRests(),
  });
  const what = "the look at the keys for tokens";
  remote.reload().catch((error: unknown) => log.warn({ err: error }, `${what} failed`));
  const looking = repeat(what, () => remote.reload(), { intervalMs: REFRESH_MS, log });
  const findKey: JWTVerifyGetKey = async (header, token) => {
    try {
      return await remote(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
        throw error;
      if (error instanceof errors.JOSENotSupported) throw error;
      throw new Problem("unavailable", {
        detail: "The keys that tokens are signed with cannot be read; send it again",
        retryAfterSeconds: 5,
      });
    }
  };
  return { keys: [findKey], stop: () => looking.stop() };
}

/** Rests after a look that found no keys, too: jose counts only those that did. */
function createFetchWithRests(): FetchImplementation {
  let restsUntilMs = 0;
  return async (url, options) => {
    if (Date.now() < restsUntilMs) throw new Error("The provider gave no keys a moment ago");
    restsUntilMs = Date.now() + LOOK_AGAIN_MS;
    const response = await fetch(url, options);
    if (response.status === 200) {
      const keys = (await response.clone().json()) as JSONWebKeySet;
      createLocalJWKSet(keys); // throws where they are none
      restsUntilMs = 0;
    }
    return response;
  };
}
