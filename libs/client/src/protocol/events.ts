import type { ChangeBody, OperationResult } from "@syncline/shared/protocol";
import type { Answer } from "./answer.ts";
import type { Connection, RequestOptions } from "./connection.ts";
import { positionOf, type FeedQuery } from "./feed.ts";
import { startLifetime } from "./lifetime.ts";
import { createEventParser } from "./parse-events.ts";
import { failureOf, openAnswer, parseObject, pathOf, readAnswer, readPieces } from "./send-request.ts";
import type { ConflictSummary } from "./wire.ts";

/** An event of a workspace's stream. `id` is the reader's position after it. */
export type FeedEvent =
  | { kind: "open" }
  | { kind: "change"; id: string; change: ChangeBody }
  | { kind: "conflict"; id: string; conflict: ConflictSummary }
  /** The outcome of an operation of the reading device. */
  | { kind: "settled"; result: OperationResult }
  /** A heartbeat, which may carry a newer position. */
  | { kind: "heartbeat"; id?: string };

/** The end of a stream: the server's reason, or a failed request. */
export type StreamEnd =
  | { kind: "ended"; reason: "token_expired" | "time_over" | "stopping" | (string & {}) }
  | Exclude<Answer<never>, { kind: "ok" }>;

/** Options of {@link followChanges}. */
export interface FollowOptions extends RequestOptions {
  /** The position to resume from: the last `id` that was received. */
  lastEventId?: string | undefined;
  /** Longest silence, in milliseconds. The server's heartbeat comes every 15 s. */
  silenceMs?: number;
}

/** Silence after which a stream counts as lost: two heartbeats and some delay. */
const SILENCE_MS = 35_000;

/**
 * Follows a workspace's changes and conflicts as they are committed, and returns the reason for which the stream ended.
 * Leaving the loop early closes the connection.
 */
export async function* followChanges(
  connection: Connection,
  workspaceId: string,
  query: FeedQuery,
  options: FollowOptions = {},
): AsyncGenerator<FeedEvent, StreamEnd, void> {
  const { lastEventId, silenceMs = connection.silenceMs === Infinity ? Infinity : SILENCE_MS } = options;
  const lifetime = startLifetime(connection, options, silenceMs);
  const path = pathOf(["workspaces", workspaceId, "changes", "events"], positionOf(query));
  const headers = {
    accept: "text/event-stream",
    ...(lastEventId !== undefined && { "last-event-id": lastEventId }),
  };
  try {
    const opened = await openAnswer(connection, { method: "GET", path, headers }, lifetime);
    if ("kind" in opened) return opened;
    const { response, meta } = opened;
    if (meta.status !== 200 || !response.headers.get("content-type")?.startsWith("text/event-stream")) {
      return (await readAnswer<never>(opened, () => undefined)) as StreamEnd;
    }
    yield { kind: "open" };
    const parse = createEventParser();
    for await (const piece of readPieces(opened)) {
      if (piece === undefined) break;
      for (const { event, id, data } of parse(piece)) {
        if (event === "end") return { kind: "ended", reason: String(parseObject(data)?.["reason"]) };
        const read = readEvent(event, id, data);
        if (read !== undefined) yield read;
      }
    }
    return failureOf(lifetime, "broken");
  } finally {
    lifetime.end();
  }
}

/** Reads an event; one of an unknown kind is skipped. */
function readEvent(event: string | undefined, id: string | undefined, data: string): FeedEvent | undefined {
  if (event === undefined) return { kind: "heartbeat", ...(id !== undefined && { id }) };
  const value = parseObject(data);
  if (value === undefined) return undefined;
  if (event === "settled") return { kind: "settled", result: value as unknown as OperationResult };
  if (id === undefined) return undefined;
  if (event === "change") return { kind: "change", id, change: value as unknown as ChangeBody };
  if (event === "conflict") return { kind: "conflict", id, conflict: value as unknown as ConflictSummary };
  return undefined;
}
