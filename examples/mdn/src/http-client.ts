import { setTimeout as delay } from "node:timers/promises";
import { isJsonObject, type JsonObject } from "./json.ts";

/** Syncline's address, with the token and the workspace to use. */
export interface Connection {
  readonly ingestUrl: string;
  readonly token: string;
  readonly workspaceId: string;
}

/** A final answer; `attempts` counts its requests. */
export interface Answer {
  readonly status: number;
  readonly location: string | null;
  readonly body: JsonObject;
  readonly attempts: number;
}

/** A batch request may wait 30 s for its results; without an answer some seconds later the connection is dead. */
const REQUEST_TIMEOUT_MS = 45_000;
const BACKOFF_MS_MIN = 100;
const BACKOFF_MS_MAX = 5_000;
/** The time of retries after which the server counts as unreachable. */
export const PATIENCE_MS = 5 * 60_000;
const RETRIED_STATUSES = new Set([408, 429, 502, 503, 504]);

/** Full jitter: a random part of the doubled step, so that clients that failed together do not retry together. */
export function backoffMs(attempt: number): number {
  return Math.random() * Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** attempt);
}

/**
 * Retries until there is an answer: after lost connections, 408, 429 and temporary 5xx, with the same body and so with
 * the same client ids. Throws any other refusal that `expected` does not name.
 */
export async function request(
  connection: Connection,
  path: string,
  options: { body?: JsonObject; expected?: readonly number[] } = {},
): Promise<Answer> {
  const method = options.body === undefined ? "GET" : "POST";
  const url = new URL(path, connection.ingestUrl);
  const init: RequestInit = {
    method,
    headers: { authorization: `Bearer ${connection.token}`, "content-type": "application/json" },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  };
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (let attempts = 1; ; attempts++) {
    const outcome = await tryOnce(url, init);
    if ("status" in outcome && !RETRIED_STATUSES.has(outcome.status)) {
      if (!isSuccess(outcome.status) && !options.expected?.includes(outcome.status)) {
        throw new Error(`${method} ${url.pathname} was refused with ${outcome.status}: ${outcome.text}`);
      }
      return { status: outcome.status, location: outcome.location, body: parseBody(outcome.text), attempts };
    }
    if (performance.now() > giveUpAt) {
      const reason = "status" in outcome ? `${outcome.status} ${outcome.text}` : String(outcome.lost);
      throw new Error(
        `${method} ${url.pathname} had no answer for ${PATIENCE_MS / 1000} s; last failure: ${reason}`,
      );
    }
    await delay(Math.max("status" in outcome ? outcome.retryAfterMs : 0, backoffMs(attempts)));
  }
}

type Outcome =
  { status: number; location: string | null; retryAfterMs: number; text: string } | { lost: unknown };

async function tryOnce(url: URL, init: RequestInit): Promise<Outcome> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    return {
      status: response.status,
      location: response.headers.get("location"),
      retryAfterMs: parseRetryAfterMs(response.headers.get("retry-after"), Date.now()),
      // Read here, because a connection can be lost between the head and the end of the body.
      text: await response.text(),
    };
  } catch (lost) {
    return { lost };
  }
}

/** `Retry-After` is a number of seconds or a date (RFC 9110). */
export function parseRetryAfterMs(header: string | null, nowMs: number): number {
  if (header === null) return 0;
  const waitMs = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(waitMs) ? 0 : Math.max(0, waitMs);
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function parseBody(text: string): JsonObject {
  const body: unknown = JSON.parse(text);
  if (!isJsonObject(body)) throw new Error(`The answer is not a JSON object: ${text.slice(0, 200)}`);
  return body;
}
