import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from "jose";
import { Problem } from "@syncline/shared/protocol";
import type { Logger } from "../telemetry/log.ts";
import { repeat } from "../process/repeat.ts";
import type { TokenRules } from "./token-env.ts";

/** The interval at which the keys are read. A withdrawn key is rejected after at most this long. */
const REFRESH_MS = 5 * 60_000;
/** The minimum interval between reads that unknown key ids trigger. */
const LOOK_AGAIN_MS = 10_000;
const FETCH_TIMEOUT_MS = 5_000;

/** The keys that a token may be signed with. Each is tried in turn. */
export interface TokenKeys {
  keys: readonly (Uint8Array | JWTVerifyGetKey)[];
  stop: () => Promise<void>;
}

export function openTokenKeys(source: TokenRules["keys"], log: Logger): TokenKeys {
  if ("secrets" in source) {
    const keys = source.secrets.map((secret) => new TextEncoder().encode(secret));
    return { keys, stop: async () => undefined };
  }
  // Reads the keys in the background and never discards them: while the provider is unavailable, the known keys stay
  // valid.
  const remote = createRemoteJWKSet(new URL(source.jwksUrl), {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: LOOK_AGAIN_MS,
    timeoutDuration: FETCH_TIMEOUT_MS,
    [customFetch]: createFetchWithRests(),
  });
  const what = "reading the token keys (JWT_JWKS_URL)";
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
        detail: "The keys that tokens are signed with cannot be read; retry the request",
        retryAfterSeconds: 5,
      });
    }
  };
  return { keys: [findKey], stop: () => looking.stop() };
}

/** Delays the next read after one that returned no keys: jose delays it only after a successful read. */
function createFetchWithRests(): FetchImplementation {
  let restsUntilMs = 0;
  return async (url, options) => {
    if (Date.now() < restsUntilMs) throw new Error("the identity provider returned no keys a moment ago");
    restsUntilMs = Date.now() + LOOK_AGAIN_MS;
    const response = await fetch(url, options);
    if (response.status === 200) {
      const keys = (await response.clone().json()) as JSONWebKeySet;
      createLocalJWKSet(keys); // throws if the body is no key set
      restsUntilMs = 0;
    }
    return response;
  };
}
