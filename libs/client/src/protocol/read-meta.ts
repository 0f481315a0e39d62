import type { AnswerMeta } from "./answer.ts";
import type { FetchedAnswer } from "./connection.ts";

/** Reads the facts in an answer's headers. */
export function readMeta({ status, headers }: FetchedAnswer): AnswerMeta {
  const requestId = headers.get("x-request-id");
  const serverTimeMs = Date.parse(headers.get("date") ?? "");
  const retryAfterMs = readRetryAfter(headers.get("retry-after"), serverTimeMs);
  const rateLeft = readRateLeft(headers.get("ratelimit"), headers.get("ratelimit-policy"));
  return {
    status,
    ...(requestId !== null && { requestId }),
    ...(!Number.isNaN(serverTimeMs) && { serverTimeMs }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(rateLeft !== undefined && { rateLeft }),
  };
}

/** Reads seconds, or a date relative to the server's clock. */
function readRetryAfter(value: string | null, serverTimeMs: number): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - serverTimeMs;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** Returns the smallest share that is left of a quota: of `"name";q=20;w=1` the `"name";r=5;t=1`. */
function readRateLeft(left: string | null, policy: string | null): number | undefined {
  const quotas = readParameters(policy, "q");
  const shares = [...readParameters(left, "r")].map(
    ([name, rest]) => rest / (quotas.get(name) ?? Number.NaN),
  );
  const known = shares.filter((share) => share >= 0);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** Reads a numeric parameter of each item of a list, by the item's name. */
function readParameters(list: string | null, parameter: string): Map<string, number> {
  const items = (list ?? "").matchAll(new RegExp(`([^\\s,;]+)(?:;[^,]*?)?;\\s*${parameter}=(\\d+)`, "g"));
  return new Map([...items].map(([, name = "", value]) => [name, Number(value)]));
}
