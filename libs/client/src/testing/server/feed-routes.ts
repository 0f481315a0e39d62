import { idSchema, wholeNumber } from "@syncline/shared/schemas";
import {
  fieldProblem,
  Problem,
  resultOf,
  type AcceptedBatch,
  type BatchFeed,
  type ChangeBody,
  type ChangesBody,
  type OperationResult,
} from "@syncline/shared/protocol";
import {
  gone,
  goneAt,
  placeTextSchema,
  readCursor,
  readEventId,
  writeCursor,
  writeEventId,
  type ConflictCursor,
  type EventCursor,
} from "@syncline/ingest/core";
import { z } from "zod";
import { conflictSummary, type ConflictSummary } from "./conflict-body.ts";
import { carry } from "./carry.ts";
import type { ServerContext } from "./context.ts";
import { jsonAnswer, TextStream, type ServerAnswer, type ServerRequest } from "./exchange.ts";
import { readQuery } from "./read-query.ts";
import { compare, documentBody, type StoredChange } from "./server-state.ts";
import { requireRole } from "./tokens.ts";

const HEARTBEAT_MS = 15_000;

const limitOf = (most: number, byDefault: number) => wholeNumber({ min: 1, max: most }).default(byDefault);
const feedParameters = {
  since: wholeNumber({ min: 0 }).default(0),
  collections: z
    .string()
    .transform((list) => list.split(","))
    .pipe(z.array(idSchema))
    .optional(),
  epoch: idSchema.optional(),
  device_id: idSchema.optional(),
  settled_since: wholeNumber({ min: 0 }).optional(),
};
const changesQuery = z.object({
  ...feedParameters,
  latest: z.enum(["true", "false"]).default("false"),
  limit: limitOf(1_000, 100),
  wait: wholeNumber({ min: 0, max: 30 }).default(0),
});
const eventsQuery = z.object(feedParameters);
const snapshotQuery = z.object({
  after: z.string().optional(),
  collections: feedParameters.collections,
  limit: limitOf(10_000, 1_000),
});

/** `GET /workspaces/{workspace}/changes` */
export async function getChanges(context: ServerContext, request: ServerRequest): Promise<ServerAnswer> {
  const [, workspaceId = ""] = request.path;
  requireRole(request.identity, workspaceId, "reader");
  const query = readQuery(changesQuery, request.query);
  const { epoch } = context.state;
  requireEpoch(context, workspaceId, query.epoch);
  const read = () => readPage(context, workspaceId, query);
  const isNews = ({ changes, settled = [] }: ReturnType<typeof read>) => changes.length + settled.length > 0;
  let page = read();
  if (!isNews(page) && query.wait > 0) {
    await changed(context, workspaceId, query.wait * 1_000, request.signal, () => isNews(read()));
    page = read();
  }
  return jsonAnswer({ epoch, ...page });
}

/** `GET /workspaces/{workspace}/snapshot` */
export function getSnapshot(context: ServerContext, request: ServerRequest): ServerAnswer {
  const { state } = context;
  const [, workspaceId = ""] = request.path;
  requireRole(request.identity, workspaceId, "reader");
  const { after, limit, collections } = readQuery(snapshotQuery, request.query);
  const cursor = after === undefined ? undefined : readSnapshotCursor(after, workspaceId);
  requireEpoch(context, workspaceId, cursor?.epoch);
  const workspace = state.workspace(workspaceId);
  const seq = cursor?.seq ?? workspace.seq;
  requireCursor(context, workspaceId, seq);
  const live = state
    .liveRows(workspaceId)
    .filter(({ collection }) => collections?.includes(collection) ?? true);
  const rows = live.filter(({ collection, documentId }) => {
    if (cursor === undefined) return true;
    return (compare(collection, cursor.collection) || compare(documentId, cursor.documentId)) > 0;
  });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const isMore = rows.length > page.length;
  const next =
    isMore && last !== undefined
      ? writeCursor([state.epoch, workspaceId, seq, last.collection, last.documentId])
      : null;
  const head = { epoch: state.epoch, seq, ...(cursor === undefined && { count: live.length }) };
  const lines = [head, ...page.map(documentBody), { next, seq }];
  return {
    status: 200,
    headers: { "content-type": "application/x-ndjson" },
    body: lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
  };
}

/** `GET /workspaces/{workspace}/changes/events` */
export function getChangeEvents(context: ServerContext, request: ServerRequest): ServerAnswer {
  const [, workspaceId = ""] = request.path;
  requireRole(request.identity, workspaceId, "reader");
  const query = readQuery(eventsQuery, request.query);
  const { since, collections, epoch, device_id: deviceId } = query;
  requireDevice(query);
  requireEpoch(context, workspaceId, epoch);
  const resumed = readPosition(request.headers["last-event-id"]);
  const workspace = context.state.workspace(workspaceId);
  let place: EventCursor = {
    seq: resumed?.seq ?? since,
    conflict: resumed?.conflict ?? { revision: workspace.revision, conflictId: null },
  };
  requireCursor(context, workspaceId, place.seq);
  if (place.conflict.revision > workspace.revision) throw gone("cursor-ahead", workspaceId);
  const { generation, stream } = { generation: context.state.epoch, stream: new TextStream() };
  let settled = resumed?.conflict === undefined ? query.settled_since : settledAt(resumed.conflict);
  let sentId: string | undefined;
  const send = (event: string, id: string, data: unknown) => {
    sentId = id;
    stream.write(`event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const sendPages = () => {
    // A restored database has another history: the reader comes again, and gets a 410.
    if (context.state.epoch !== generation) return stream.break();
    for (const result of settledAfter(context, workspaceId, { deviceId, after: settled, since: place.seq }))
      stream.write(`event: settled\ndata: ${JSON.stringify(result)}\n\n`);
    for (const change of changesAfter(context, workspaceId, place.seq, collections)) {
      place = { ...place, seq: change.seq };
      send("change", writeEventId(place), changeBody(context, change, deviceId));
    }
    for (const { at, summary } of conflictsAfter(context, workspaceId, place.conflict, collections)) {
      place = { ...place, conflict: at };
      send("conflict", writeEventId(place), summary);
    }
    const { seq, revision } = context.state.workspace(workspaceId);
    place = { seq, conflict: { revision, conflictId: null } };
    settled = revision;
    if (sentId === undefined) beat();
    sentId = writeEventId(place);
  };
  const beat = () => stream.write(`:\nid: ${writeEventId(place)}\n\n`);
  keepStream(context, request, stream, { beat, sendPages });
  sendPages();
  return { status: 200, headers: { "content-type": "text/event-stream" }, body: stream };
}

/** Sends heartbeats and pages until the client leaves or its token expires. */
function keepStream(
  context: ServerContext,
  { path: [, workspaceId = ""], identity, signal }: ServerRequest,
  stream: TextStream,
  { beat, sendPages }: { beat: () => void; sendPages: () => void },
): void {
  const unwatch = context.watch(workspaceId, () => {
    if (!stream.isEnded) sendPages();
  });
  let cancelBeat: () => void;
  const beatLater = () => {
    cancelBeat = context.setTimer(HEARTBEAT_MS, () => {
      if (stream.isEnded) return stop();
      beat();
      beatLater();
    });
  };
  beatLater();
  const cancelExpiry = context.setTimer(identity.expiresAtMs - context.nowMs(), () => {
    stream.write(`event: end\ndata: ${JSON.stringify({ reason: "token_expired" })}\n\n`);
    stop();
  });
  const stop = () => {
    unwatch();
    cancelBeat();
    cancelExpiry();
    stream.end();
  };
  signal.addEventListener("abort", stop, { once: true });
}

/** Waits for a commit after which a condition holds, or for the time to be over. */
function changed(
  context: ServerContext,
  workspaceId: string,
  waitMs: number,
  signal: AbortSignal,
  holds: () => boolean,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const cancel = context.setTimer(waitMs, resolve);
  const unwatch = context.watch(workspaceId, () => {
    try {
      if (holds()) resolve();
    } catch (error) {
      // A restore may have ended the history that the request reads.
      reject(error);
    }
  });
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise.finally(() => {
    cancel();
    unwatch();
  });
}

const batchQuery = changesQuery
  .omit({ wait: true, device_id: true })
  .extend({ since: feedParameters.since.unwrap().optional() });

/** Returns the read of the page that the answer to a batch brings, if the batch asks for one. */
export function feedOf(
  context: ServerContext,
  request: ServerRequest,
  {
    workspaceId,
    deviceId,
    deviceDeclared,
  }: Pick<AcceptedBatch, "workspaceId" | "deviceId" | "deviceDeclared">,
): () => BatchFeed {
  const { since, ...query } = readQuery(batchQuery, request.query);
  return () => {
    if (since === undefined) return {};
    try {
      requireEpoch(context, workspaceId, query.epoch);
      const asker = deviceDeclared ? { device_id: deviceId } : {};
      const page = readPage(context, workspaceId, { ...query, ...asker, since, wait: 0 });
      return { feed: { epoch: context.state.epoch, ...page } };
    } catch (error) {
      if (error instanceof Problem) return { feed_problem: error.toJSON() };
      throw error;
    }
  };
}

/** Reads a page, with the outcomes of the reading device. A group's changes are never split. */
function readPage(
  context: ServerContext,
  workspaceId: string,
  query: z.output<typeof changesQuery>,
): Pick<ChangesBody, "changes" | "next" | "more" | "settled" | "settled_next"> {
  const { since, limit, collections, latest, device_id: deviceId, settled_since: after } = query;
  requireDevice(query);
  requireCursor(context, workspaceId, since);
  const found = changesAfter(context, workspaceId, since, collections);
  const all = latest === "true" ? newestOf(found) : found;
  const last = all[limit - 1];
  const end = Math.max(...all.slice(0, limit).map((change) => change.groupEndSeq ?? change.seq));
  const page = last === undefined ? all : all.filter(({ seq }) => seq <= end);
  const more = page.length < all.length;
  const next = more ? (page.at(-1)?.seq ?? since) : Math.max(since, context.state.workspace(workspaceId).seq);
  const changes = page.map((change) => changeBody(context, change, deviceId));
  if (deviceId === undefined) return { changes, next, more };
  const settled = [...settledAfter(context, workspaceId, { deviceId, after, since })];
  const { revision } = context.state.workspace(workspaceId);
  return { changes, next, more, settled, settled_next: revision };
}

/** Only the newest change of each document. */
function newestOf(changes: readonly StoredChange[]): StoredChange[] {
  const newest = new Map(
    changes.map((change) => [JSON.stringify([change.collection, change.documentId]), change]),
  );
  return changes.filter((change) => [...newest.values()].includes(change));
}

/**
 * The outcomes of a device's operations after a revision; without one, behind the commit that wrote the change `since`,
 * or with its rows, if it also wrote later changes.
 */
function settledAfter(
  context: ServerContext,
  workspaceId: string,
  from: { deviceId: string | undefined; after: number | undefined; since: number },
): OperationResult[] {
  const { deviceId, since } = from;
  if (deviceId === undefined) return [];
  const { changes, revision } = context.state.workspace(workspaceId);
  const before = changes.findLast(({ seq }) => seq <= since)?.revision ?? 0;
  const behind = changes.find(({ seq }) => seq > since)?.revision ?? Infinity;
  const after = from.after ?? Math.min(before, behind - 1);
  if (after > revision) throw gone("cursor-ahead", workspaceId);
  const rows = context.state.settledRows(workspaceId, deviceId).filter((settled) => settled.revision > after);
  const results = rows.map(({ row }) => resultOf(row, { replayed: false }));
  return carry(context, { workspaceId, deviceId }, results, { minimal: false });
}

/** The revision up to which a reader at this position has every outcome: those of a commit precede its conflicts. */
function settledAt({ revision, conflictId }: ConflictCursor): number {
  return conflictId === null ? revision : revision - 1;
}

function requireDevice(query: Pick<z.output<typeof eventsQuery>, "device_id" | "settled_since">): void {
  if (query.settled_since === undefined || query.device_id !== undefined) return;
  throw fieldProblem({ path: ["settled_since"], message: "needs device_id" }, null);
}

function changesAfter(
  { state }: ServerContext,
  workspaceId: string,
  since: number,
  collections: readonly string[] | undefined,
): StoredChange[] {
  const { changes, feedFrom } = state.workspace(workspaceId);
  const from = Math.max(since, feedFrom);
  return changes.filter(({ seq, collection }) => seq > from && (collections?.includes(collection) ?? true));
}

/** The conflicts whose records were written after a position, in the order of their last write. */
function conflictsAfter(
  { state }: ServerContext,
  workspaceId: string,
  after: ConflictCursor,
  collections: readonly string[] | undefined,
): { at: ConflictCursor; summary: ConflictSummary }[] {
  const records = [...state.tables.conflictById.values()].filter(
    ({ workspaceId: of, revision, conflictId, collection }) =>
      of === workspaceId &&
      (collections?.includes(collection) ?? true) &&
      (revision > after.revision ||
        (revision === after.revision && after.conflictId !== null && conflictId > after.conflictId)),
  );
  records.sort((a, b) => a.revision - b.revision || compare(a.conflictId, b.conflictId));
  return records.map((record) => ({
    at: { revision: record.revision, conflictId: record.conflictId },
    summary: conflictSummary(state, record),
  }));
}

function changeBody(
  { state }: ServerContext,
  change: StoredChange,
  deviceId: string | undefined,
): ChangeBody {
  const { workspaceId, collection, documentId, seq, revision } = change;
  const clientIds = () =>
    state
      .settledRows(workspaceId, deviceId ?? "")
      .filter(({ revision: of, row }) => {
        const isIts = row.collection === collection && row.documentId === documentId && row.seq === seq;
        return of === revision && isIts && row.status === "success";
      })
      .toSorted(
        (a, b) => (a.row.version ?? 0) - (b.row.version ?? 0) || compare(a.row.clientId, b.row.clientId),
      )
      .map(({ row }) => row.clientId);
  return {
    seq: change.seq,
    collection: change.collection,
    document_id: change.documentId,
    version: change.version,
    deleted: change.data === null,
    data: change.data,
    device_id: change.deviceId,
    committed_at: new Date(change.committedAtMs).toISOString(),
    ...(deviceId !== undefined && { client_ids: clientIds() }),
  };
}

function requireEpoch({ state }: ServerContext, workspaceId: string, epoch: string | undefined): void {
  if (epoch !== undefined && epoch !== state.epoch) throw gone("epoch-changed", workspaceId);
}

function requireCursor({ state }: ServerContext, workspaceId: string, cursor: number): void {
  const { seq, feedFrom } = state.workspace(workspaceId);
  const lost = goneAt(cursor, { from: feedFrom, to: seq });
  if (lost !== undefined) throw gone(lost, workspaceId);
}

const snapshotCursor = z.tuple([z.string(), z.string(), z.int().min(0), placeTextSchema, placeTextSchema]);

function readSnapshotCursor(cursor: string, workspaceId: string) {
  const parsed = snapshotCursor.safeParse(readCursor(cursor));
  if (!parsed.success || parsed.data[1] !== workspaceId) {
    const message = "must be the next of a previous page of this workspace";
    throw fieldProblem({ path: ["after"], message }, null);
  }
  const [epoch, , seq, collection, documentId] = parsed.data;
  return { epoch, seq, collection, documentId };
}

function readPosition(id: string | undefined): ReturnType<typeof readEventId> {
  if (id === undefined) return undefined;
  const place = readEventId(id);
  if (place !== undefined) return place;
  throw fieldProblem({ path: ["Last-Event-ID"], message: "must be the id of an event of this stream" }, null);
}
