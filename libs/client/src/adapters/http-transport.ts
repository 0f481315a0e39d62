import type { JsonObject } from "@syncline/shared/document";
import type {
  Answer,
  AnswerInfo,
  ConflictDocuments,
  ConflictRecord,
  Failure,
  PullPage,
  PushAnswer,
  RequestContext,
  StreamEnd,
  StreamEvent,
  Transport,
} from "../ports/index.ts";
import type { Answer as ProtocolAnswer, AnswerMeta, ProblemAnswer } from "../protocol/answer.ts";
import type { BodyCompression, Connection, Fetch, RequestOptions } from "../protocol/connection.ts";
import {
  followChanges,
  listConflicts,
  postBatch,
  previewConflict,
  readBatch,
  readChanges,
  readConflict,
  readOperation,
  readSnapshot,
  resolveConflict,
  type BatchBody,
  type FeedEvent,
} from "../protocol/index.ts";

/** Options of {@link createHttpTransport}. */
export interface HttpTransportOptions {
  /** The server's address. */
  url: string;
  /** The global `fetch` by default. */
  fetch?: Fetch;
  /** Compresses the body of a batch from 2 KB on; bodies are sent as they are by default. */
  compress?: BodyCompression;
}

/** Creates the transport that speaks the server's HTTP API. */
export function createHttpTransport(options: HttpTransportOptions): Transport {
  const on = ({ token }: RequestContext): Connection => ({
    ...options,
    token: () => token,
    // The engine watches the silence of all its requests.
    silenceMs: Infinity,
  });
  const by = (context: RequestContext): RequestOptions => ({
    signal: context.signal,
    onProgress: () => context.onProgress(),
  });
  return {
    push: async ({ batch, ...how }, context) =>
      answerOf<PushAnswer>(await postBatch(on(context), batch as BatchBody, { ...by(context), ...how })),
    batch: async ({ batchId }, context) =>
      answerOf<PushAnswer>(await readBatch(on(context), batchId, by(context))),
    pull: async ({ workspace, ...query }, context) =>
      answerOf<PullPage>(await readChanges(on(context), workspace, query, by(context))),
    snapshot: async ({ workspace, ...query }, context) =>
      answerOf(await readSnapshot(on(context), workspace, query, by(context))),
    listen: async ({ workspace, lastEventId, ...query }, onEvent, context) => {
      const stream = followChanges(on(context), workspace, query, { ...by(context), lastEventId });
      for (;;) {
        const next = await stream.next();
        if (!next.done) {
          const event = eventOf(next.value);
          if (event !== undefined) await onEvent(event);
        } else if (next.value.kind === "ended") {
          return { kind: "ok", body: { reason: STREAM_ENDS[next.value.reason] ?? "cut" }, info: {} };
        } else if (next.value.kind === "unreachable" && next.value.cause === "broken") {
          return { kind: "ok", body: { reason: "cut" }, info: {} };
        } else {
          return failureOf(next.value);
        }
      }
    },
    conflicts: async ({ workspace, status, deviceId, before }, context) => {
      const query = { status, before, ...(deviceId !== undefined && { device_id: deviceId }) };
      const answer = await listConflicts(on(context), workspace, query, by(context));
      return answerOf<{ conflicts: ConflictRecord[]; next: string | null }>(
        answer.kind === "ok" && !answer.body.more
          ? { ...answer, body: { ...answer.body, next: null } }
          : answer,
      );
    },
    conflict: async ({ workspace, conflictId }, context) =>
      answerOf<ConflictDocuments>(await readConflict(on(context), workspace, conflictId, by(context))),
    preview: async ({ workspace, conflictId }, context) =>
      answerOf(await previewConflict(on(context), workspace, conflictId, by(context))) as Answer<JsonObject>,
    decide: async ({ workspace, conflictId, body }, context) =>
      answerOf<PushAnswer>(await resolveConflict(on(context), workspace, conflictId, body, by(context))),
    operation: async ({ workspace, clientId, deviceId }, context) =>
      answerOf(
        await readOperation(on(context), workspace, { clientId, deviceId }, by(context)),
      ) as Answer<JsonObject>,
  };
}

const STREAM_ENDS: Readonly<Record<string, StreamEnd["reason"]>> = {
  token_expired: "tokenExpired",
  time_over: "timeOver",
  stopping: "stopping",
};

function eventOf(event: FeedEvent): StreamEvent | undefined {
  switch (event.kind) {
    case "open":
      return event;
    case "settled":
      return { kind: "settled", clientId: event.result.client_id };
    case "change":
      return { kind: "change", change: event.change, lastEventId: event.id };
    case "conflict":
      return { kind: "conflict", conflict: event.conflict, lastEventId: event.id };
    case "heartbeat":
      return event.id === undefined ? undefined : { kind: "position", lastEventId: event.id };
    default:
      return event satisfies never;
  }
}

function answerOf<Body>(answer: ProtocolAnswer<Body>): Answer<Body> {
  return answer.kind === "ok" ? { kind: "ok", body: answer.body, info: infoOf(answer) } : failureOf(answer);
}

function infoOf({ serverTimeMs, requestId, rateLeft }: AnswerMeta): AnswerInfo {
  return {
    ...(serverTimeMs !== undefined && { serverTimeMs }),
    ...(requestId !== undefined && { requestId }),
    ...(rateLeft !== undefined && { rateLeft }),
  };
}

/** Classifies an answer that is none. */
function failureOf(answer: Exclude<ProtocolAnswer<never>, { kind: "ok" }>): Failure {
  switch (answer.kind) {
    case "unreachable":
    case "aborted":
    case "token-failed":
      return { kind: "noAnswer" };
    case "unreadable":
      return { kind: "protocol", status: answer.status, ...infoOf(answer) };
    case "problem":
      return { ...factsOf(answer), ...kindOf(answer) };
    default:
      return answer satisfies never;
  }
}

function factsOf(answer: ProblemAnswer): Omit<Failure, "kind"> {
  const { status, type, detail } = answer;
  return {
    ...infoOf(answer),
    status,
    ...(type !== undefined && { problem: type }),
    ...(detail !== undefined && { detail }),
  };
}

function kindOf(answer: ProblemAnswer): Failure {
  const { status, type, operation, retryAfterMs } = answer;
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  const operations = operation === undefined ? [] : [operation];
  switch (status) {
    case 401:
      return { kind: "unauthorized" };
    case 403:
      return type === "override-not-allowed"
        ? { kind: "overrideNotAllowed", operations }
        : { kind: "forbidden", cause: forbiddenBy(type) };
    case 404:
      return { kind: "notFound" };
    case 409:
      return type === "decision-outdated" ? { kind: "outdated" } : { kind: "protocol" };
    case 410:
      return { kind: "gone", cause: GONE_BY_TYPE[type ?? ""] ?? "history" };
    case 413:
      return { kind: "tooLarge" };
    case 422:
      return operation === undefined ? { kind: "protocol" } : { kind: "invalid", operations };
    case 429:
      return { kind: "overloaded", ...wait, ...(operation !== undefined && { operation }) };
    default:
      if (type === "overloaded") return { kind: "overloaded", ...wait };
      return status >= 500 || status === 408 ? { kind: "unavailable", ...wait } : { kind: "protocol" };
  }
}

const GONE_BY_TYPE: Readonly<Record<string, "history" | "epoch" | "cursor">> = {
  "history-gone": "history",
  "epoch-changed": "epoch",
  "cursor-ahead": "cursor",
};

/** Returns the cause of a refusal, if the problem's type names it. */
function forbiddenBy(type: string | undefined): "workspace" | "role" | "device" | "unknown" {
  if (type === "workspace-forbidden") return "workspace";
  if (type === "role-insufficient") return "role";
  if (type === "device-taken") return "device";
  return "unknown";
}
