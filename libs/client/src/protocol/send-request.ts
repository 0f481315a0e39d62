import type { Answer, AnswerMeta, Failure, ProblemAnswer } from "./answer.ts";
import type { BodyReader, Connection, FetchedAnswer, RequestOptions } from "./connection.ts";
import { startLifetime, type Lifetime } from "./lifetime.ts";
import { readMeta } from "./read-meta.ts";

/** A request, before the token and the address are added. */
export interface RequestParts {
  method: "GET" | "POST";
  /** Path and query, from `/`. */
  path: string;
  headers?: Record<string, string>;
  /** JSON text. */
  body?: string;
  keepalive?: boolean;
}

/** An answer whose body has not been read yet. */
export interface OpenAnswer {
  response: FetchedAnswer;
  meta: AnswerMeta;
  lifetime: Lifetime;
}

/** The size from which a body is worth compressing, in characters. */
const COMPRESS_CHARS_MIN = 2_048;
const PROBLEM_PREFIX = "urn:syncline:problem:";

/** Reads an answer's text: as `undefined` if the server gives no such text, as `broken` if the text is incomplete. */
export type ReadBody<T> = (text: string) => T | "broken" | undefined;

/** Reads a JSON object that has a member. */
export const objectWith =
  <T>(member: string): ReadBody<T> =>
  (text) => {
    const body = parseObject(text);
    return body !== undefined && member in body ? (body as T) : undefined;
  };

/** Sends a request, and reads its answer. */
export async function request<T>(
  connection: Connection,
  parts: RequestParts,
  options: RequestOptions,
  read: ReadBody<T>,
): Promise<Answer<T>> {
  const lifetime = startLifetime(connection, options);
  try {
    const opened = await openAnswer(connection, parts, lifetime);
    return "kind" in opened ? opened : await readAnswer(opened, read);
  } finally {
    lifetime.end();
  }
}

/** Sends a request, and waits for the head of its answer. The caller reads the body and ends the lifetime. */
export async function openAnswer(
  connection: Connection,
  parts: RequestParts,
  lifetime: Lifetime,
): Promise<OpenAnswer | Failure> {
  let token: string;
  try {
    token = await lifetime.race(callAsync(connection.token));
  } catch (error) {
    return lifetime.endedBy() === undefined
      ? { kind: "token-failed", error }
      : failureOf(lifetime, "network");
  }
  const fetch = connection.fetch ?? globalThis.fetch;
  try {
    const { body, headers } = await lifetime.race(encodeBody(connection, parts));
    const response = await lifetime.race(
      fetch(connection.url.replace(/\/$/, "") + parts.path, {
        method: parts.method,
        headers: { ...parts.headers, ...headers, authorization: `Bearer ${token}` },
        ...(body !== undefined && { body }),
        ...(parts.keepalive && { keepalive: true }),
        // A redirected request would take its token to another address.
        redirect: "manual",
        signal: lifetime.signal,
      }),
    );
    lifetime.touch();
    return { response, meta: readMeta(response), lifetime };
  } catch (error) {
    return failureOf(lifetime, "network", error);
  }
}

/** The reason for which a request has no answer. */
export function failureOf(lifetime: Lifetime, cause: "network" | "broken", error?: unknown): Failure {
  const ended = lifetime.endedBy();
  if (ended === "aborted") return { kind: "aborted" };
  if (ended === "silence") return { kind: "unreachable", cause: "silence" };
  return { kind: "unreachable", cause, ...(error !== undefined && { error }) };
}

/** Reads the body's pieces as text until it ends; returns `undefined` if it breaks off. */
async function readText(answer: OpenAnswer): Promise<string | undefined> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const piece of readPieces(answer)) {
    if (piece === undefined) return undefined;
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}

/** Yields the body's pieces, and `undefined` as the last one if the body breaks off. */
export async function* readPieces({
  response,
  lifetime,
}: OpenAnswer): AsyncGenerator<Uint8Array | undefined> {
  const reader: BodyReader | undefined = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await lifetime.race(reader.read());
      lifetime.touch();
      if (done) return;
      if (value !== undefined) yield value;
    }
  } catch {
    yield undefined;
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

/** Reads and interprets the body of an answer. */
export async function readAnswer<T>(opened: OpenAnswer, read: ReadBody<T>): Promise<Answer<T>> {
  const { meta, lifetime } = opened;
  const text = await readText(opened);
  const body = text !== undefined && meta.status < 500 ? read(text) : undefined;
  if (text === undefined || body === "broken") return failureOf(lifetime, "broken");
  const problem = parseObject(text);
  const type = problem?.["type"];
  if (problem !== undefined && String(type).startsWith(PROBLEM_PREFIX)) return problemOf(meta, problem);
  if (body !== undefined) return { kind: "ok", ...meta, body };
  return refusesByStatus(meta.status)
    ? { kind: "problem", ...meta, members: problem ?? {} }
    : { kind: "unreadable", ...meta };
}

/** Reports whether a status says enough without a body, as a proxy sends it. 511 is that of a captive portal. */
function refusesByStatus(status: number): boolean {
  return status >= 500 ? status !== 511 : [401, 408, 413, 429].includes(status);
}

function problemOf(meta: AnswerMeta, members: Record<string, unknown>): ProblemAnswer {
  const { type, detail, operation, field } = members as Partial<ProblemAnswer> & { type: string };
  return {
    kind: "problem",
    ...meta,
    type: type.slice(PROBLEM_PREFIX.length) as NonNullable<ProblemAnswer["type"]>,
    ...(detail && { detail }),
    ...(operation && { operation }),
    ...(field && { field }),
    members,
  };
}

/** Parses a JSON object; returns `undefined` for any other text. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

async function encodeBody(
  { compress }: Connection,
  { body }: RequestParts,
): Promise<{ body?: string | Uint8Array<ArrayBuffer>; headers?: Record<string, string> }> {
  if (body === undefined) return {};
  const headers = { "content-type": "application/json" };
  if (compress === undefined || body.length < COMPRESS_CHARS_MIN) return { body, headers };
  return { body: await compress(body), headers: { ...headers, "content-encoding": "gzip" } };
}

/** Calls a function whose failure may be thrown or rejected. */
async function callAsync<T>(call: () => T | Promise<T>): Promise<T> {
  return call();
}

/** Builds a path from its segments, each encoded, and a query without its undefined values. */
export function pathOf(
  segments: readonly string[],
  query: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>> = {},
): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [`${name}=${encodeURIComponent(Array.isArray(value) ? value.join(",") : String(value))}`],
  );
  const path = `/api/v1/${segments.map(encodeURIComponent).join("/")}`;
  return given.length === 0 ? path : `${path}?${given.join("&")}`;
}
