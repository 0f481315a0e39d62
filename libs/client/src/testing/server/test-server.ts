import { gunzipSync } from "node:zlib";
import type { Policies } from "@syncline/shared/merge";
import { BATCH_BYTES_MAX, ENDPOINTS, Problem, type EndpointName, type Role } from "@syncline/shared/protocol";
import { definePolicies } from "@syncline/shared/policies";
import { idSchema } from "@syncline/shared/schemas";
import type { Clock } from "../../ports/index.ts";
import {
  setPlatformTimer,
  type Fetch,
  type FetchedAnswer,
  type FetchedRequest,
} from "../../protocol/connection.ts";
import { createRandom, uuidV7 } from "../random.ts";
import { problemAnswer, TextStream, type ServerAnswer, type ServerRequest } from "./exchange.ts";
import type { ServerContext } from "./context.ts";
import { getChangeEvents, getChanges, getSnapshot } from "./feed-routes.ts";
import { Lanes } from "./lanes.ts";
import { getDocument, getOperation, listConflicts, previewConflict, getConflict } from "./read-routes.ts";
import { documentBody, ServerState } from "./server-state.ts";
import { readToken, writeToken } from "./tokens.ts";
import { getBatch, postBatch, resolveConflict } from "./write-routes.ts";
import type { DocumentBody } from "@syncline/shared/protocol";
import type { JsonObject } from "@syncline/shared/document";

const PLATFORM_CLOCK: Clock = { nowMs: Date.now, setTimer: setPlatformTimer };

/** Options of {@link createTestServer}. */
export interface TestServerOptions {
  /** The platform's clock by default. */
  clock?: Clock;
  /** Determines the ids that the server makes. */
  seed?: number;
  /** The conflict policies of the collections. */
  policies?: Policies;
  /** The delay between the acceptance of a batch and its drain, in milliseconds; none by default. */
  drainDelayMs?: () => number;
  /** The delay of each round of a merge, in milliseconds; none by default. */
  mergeDelayMs?: () => number;
  /** The retention of the ledger; unlimited by default. */
  ledgerRetentionMs?: number;
}

/** A backup of a {@link TestServer}. */
export interface TestServerBackup {
  readonly state: ServerState;
}

/**
 * A Syncline server in memory: the server's own code decides about requests, windows and conflicts; only stores, queues and
 * HTTP are replaced.
 */
export interface TestServer {
  readonly url: string;
  /** Answers requests as `fetch` would. */
  readonly fetch: Fetch;
  /** Makes a token. */
  token(options?: { subject?: string; workspaces?: Readonly<Record<string, Role>>; ttlMs?: number }): string;
  /** The live documents of a workspace. */
  documents(workspaceId: string): DocumentBody[];
  /** The committed changes of a workspace, in order, with the operations' device. */
  changes(workspaceId: string): readonly {
    seq: number;
    collection: string;
    documentId: string;
    version: number;
    data: JsonObject | null;
    deviceId: string | null;
  }[];
  /** The conflict records of a workspace, with their status. */
  conflicts(
    workspaceId: string,
  ): readonly { conflictId: string; status: string; documentId: string; deviceId: string }[];
  /** The number of recorded outcomes of a status in a workspace. */
  outcomes(workspaceId: string): readonly { clientId: string; deviceId: string; status: string }[];
  /** True if no batch waits, and no merge is under way. */
  readonly isIdle: boolean;
  readonly epoch: string;
  /** Copies the database. */
  backup(): TestServerBackup;
  /** Restores a backup: later commits and everything that waits are lost, and the epoch changes. */
  restore(backup: TestServerBackup): void;
  /** Drops the changes of a workspace up to a seq from its feed: readers before it start anew. */
  dropHistory(workspaceId: string, upToSeq: number): void;
  /** Failures of the server itself; a test expects none. */
  readonly failures: readonly unknown[];
}

/** Creates a server in memory. */
export function createTestServer(options: TestServerOptions = {}): TestServer {
  const policies = definePolicies(options.policies ?? {});
  const { seed = 1, drainDelayMs = () => 0, mergeDelayMs = () => 0 } = options;
  const { clock = PLATFORM_CLOCK } = options;
  const nowMs = () => clock.nowMs();
  const random = createRandom(seed);
  let lastIdMs = 0;
  // Listings sort by id, and ids of one millisecond have no order.
  const newId = () => uuidV7((lastIdMs = Math.max(nowMs(), lastIdMs + 1)), random);
  const state = new ServerState(newId(), newId);
  state.tables.policies = policies;
  state.tables.ledgerRetentionMs = options.ledgerRetentionMs;
  const failures: unknown[] = [];
  const watchersByWorkspace = new Map<string, Set<() => void>>();
  const onCommit = (workspaceId: string) => {
    // A watcher may stop to watch when it is called.
    Array.from(watchersByWorkspace.get(workspaceId) ?? []).forEach((watcher) => watcher());
  };
  const onFailure = (error: unknown) => void failures.push(error);
  const lanes = new Lanes({ state, clock, drainDelayMs, mergeDelayMs, onCommit, onFailure });
  const context: ServerContext = {
    state,
    lanes,
    policies,
    nowMs,
    setTimer: (delayMs, run) => clock.setTimer(delayMs, run),
    newId,
    watch: (workspaceId, call) => {
      const watchers = watchersByWorkspace.get(workspaceId) ?? new Set();
      watchersByWorkspace.set(workspaceId, watchers);
      watchers.add(call);
      return () => void watchers.delete(call);
    },
  };
  let requests = 0;

  async function answer(url: string, request: FetchedRequest): Promise<ServerAnswer> {
    const requestId = request.headers["x-request-id"] ?? `request-${++requests}`;
    const answered = await answerRequest(context, url, request, requestId).catch((error: unknown) => {
      if (error instanceof Problem) return problemAnswer(error);
      failures.push(error);
      return problemAnswer(new Problem("internal"));
    });
    const date = new Date(nowMs()).toUTCString();
    return { ...answered, headers: { ...answered.headers, "x-request-id": requestId, date } };
  }

  return {
    url: "http://test-server",
    fetch: async (url, request) => fetchedAnswer(await answer(url, request), request.signal),
    token: ({ subject = "alice", workspaces = {}, ttlMs = 3_600_000 } = {}) =>
      writeToken({ sub: subject, workspaces, exp: Math.floor((nowMs() + ttlMs) / 1_000) }),
    documents: (workspaceId) => state.liveRows(workspaceId).map(documentBody),
    changes: (workspaceId) => state.workspace(workspaceId).changes,
    conflicts: (workspaceId) =>
      [...state.tables.conflictById.values()].filter((record) => record.workspaceId === workspaceId),
    outcomes: (workspaceId) =>
      [...state.tables.ledgerRowByKey.values()].filter((row) => row.workspaceId === workspaceId),
    get isIdle() {
      return lanes.isIdle;
    },
    get epoch() {
      return state.epoch;
    },
    backup: () => ({ state: state.copy() }),
    restore(backup) {
      lanes.drop();
      state.become(backup.state);
      state.epoch = newId();
      state.tables.epoch = state.epoch;
      lanes.resume();
      for (const workspaceId of watchersByWorkspace.keys()) onCommit(workspaceId);
    },
    dropHistory(workspaceId, upToSeq) {
      const workspace = state.workspace(workspaceId);
      workspace.feedFrom = Math.min(workspace.seq, Math.max(workspace.feedFrom, upToSeq));
    },
    failures,
  };
}

async function answerRequest(
  context: ServerContext,
  url: string,
  { method, headers, body, signal }: FetchedRequest,
  requestId: string,
): Promise<ServerAnswer> {
  const { pathname, searchParams } = new URL(url);
  const identity = readToken(headers["authorization"], context.nowMs());
  const [api, v1, ...segments] = pathname.slice(1).split("/");
  const path = segments.map(decodeURIComponent);
  const request: ServerRequest = {
    method,
    path,
    query: searchParams,
    headers,
    body: readBody(body, headers["content-encoding"]),
    identity,
    requestId,
    signal,
  };
  const route = api === "api" && v1 === "v1" ? routeOf(request) : undefined;
  if (route === undefined) throw new Problem("not-found", { detail: `No route for ${method} ${pathname}` });
  if (path.slice(1).some((id) => !idSchema.safeParse(id).success)) {
    throw new Problem("not-found", { detail: "Invalid id" });
  }
  return route(context, request);
}

type Route = (context: ServerContext, request: ServerRequest) => ServerAnswer | Promise<ServerAnswer>;

/** The endpoints that the client uses. */
const ROUTES: Partial<Record<EndpointName, Route>> = {
  postBatch,
  getBatch,
  getChanges,
  getChangeEvents,
  getSnapshot,
  getDocument,
  getOperation,
  listConflicts,
  getConflict,
  previewConflict,
  resolveConflict,
};

/** Finds the route of a request by the table of endpoints. */
function routeOf({ method, path }: ServerRequest): Route | undefined {
  const fits = (Object.keys(ROUTES) as EndpointName[]).find((name) => {
    const endpoint = ENDPOINTS[name];
    const parts = endpoint.path.split("/").slice(3);
    const isSame = (part: string, at: number) => part.startsWith(":") || part === path[at];
    return endpoint.method === method.toLowerCase() && parts.length === path.length && parts.every(isSame);
  });
  return fits === undefined ? undefined : ROUTES[fits];
}

function readBody(body: string | Uint8Array | undefined, encoding: string | undefined): Uint8Array {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : (body ?? new Uint8Array());
  const plain = encoding === "gzip" ? gunzipSync(bytes) : bytes;
  if (plain.length > BATCH_BYTES_MAX) {
    throw new Problem("too-large", { detail: `The body is larger than ${BATCH_BYTES_MAX} bytes` });
  }
  return plain;
}

/** Gives an answer the form of a `Response`. Aborting the request ends its body, too. */
function fetchedAnswer({ status, headers, body }: ServerAnswer, signal: AbortSignal): FetchedAnswer {
  if (signal.aborted) throw new DOMException("The request was aborted", "AbortError");
  const stream = body instanceof TextStream ? body : new TextStream();
  if (typeof body === "string") {
    stream.write(body);
    stream.end();
  }
  signal.addEventListener("abort", () => stream.break(), { once: true });
  const encoder = new TextEncoder();
  return {
    status,
    headers: { get: (name) => headers[name.toLowerCase()] ?? null },
    body: {
      getReader: () => ({
        read: async () => {
          const text = await stream.read();
          return text === undefined ? { done: true } : { done: false, value: encoder.encode(text) };
        },
        cancel: () => {
          stream.break();
          return Promise.resolve();
        },
      }),
    },
  };
}
