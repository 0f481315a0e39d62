import { camelRow, statementsIn, type Query } from "@syncline/store";
import type { JsonObject } from "@syncline/shared/document";
import {
  resultOf,
  type ChangeBody,
  type DocumentBody,
  type HistoryBody,
  type HistoryChangeBody,
  type ClientId,
  type CollectionName,
  type DeviceId,
  type DocumentId,
  type LedgerRow,
  type OperationResult,
  type Seq,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import type { ConflictSummary } from "@syncline/shared/schemas";
import type { ConflictCursor } from "../core/event-cursor.ts";
import type { ChangesPage, Page } from "../core/follow-feed.ts";
import { goneAt, type Gone } from "../core/gone.ts";

/** The bounds of a workspace's feed. */
export interface FeedEnds {
  workspaceId: WorkspaceId;
  seq: Seq;
  /** Changes up to this seq are no longer in the feed. */
  feedFrom: number;
  /** Number of commits, including those that wrote only conflicts or answers. */
  revision: number;
}

/** A page of conflict records, ordered by the commit that last wrote them, each with its position. */
export interface ConflictsPage extends Page<ConflictCursor> {
  conflicts: { cursor: ConflictCursor; summary: ConflictSummary }[];
}

/** A page of the outcomes of a device's operations; its positions are revisions. */
export interface SettledPage extends Page<number> {
  settled: OperationResult[];
}

/** A page of a workspace's live documents, in key order. */
export interface DocumentsPage {
  documents: DocumentBody[];
  more: boolean;
}

/** A document's key, which is also its position in a snapshot. */
export interface DocumentKey {
  collection: CollectionName;
  documentId: DocumentId;
}

/**
 * Reads for clients that follow a workspace, or start to. A page also ends at a number of bytes, so that memory is
 * bounded.
 */
export interface PgFeed {
  /** Reads changes in `seq` order, or returns the reason for which none can be read after `since`. */
  readChanges(
    workspaceId: WorkspaceId,
    page: {
      since: number;
      limit: number;
      collections: string[] | undefined;
      /** Reads only the newest change of each document. */
      latest?: boolean;
      /** The reading device: each change names its operations that the change settled. */
      deviceId: DeviceId | undefined;
    },
  ): Promise<ChangesPage | Gone>;
  /**
   * Reads the outcomes of a device's operations in the order of their commits, or returns the reason for which none can
   * be read after the revision. A page ends with a commit. An operation that is settled again comes again.
   *
   * @param page - `after`: a revision; if undefined, the commit that wrote the change `since`. `to`: the last revision
   *   to read, by default the workspace's
   */
  readSettled(
    workspaceId: WorkspaceId,
    page: { deviceId: DeviceId; after: number | undefined; since: number; limit: number; to?: number },
  ): Promise<SettledPage | Gone>;
  /**
   * Reads each record in its current state, or returns the reason for which none can be read after the position. A
   * record that is written again after its position was read comes again.
   */
  readConflicts(
    workspaceId: WorkspaceId,
    page: { after: ConflictCursor; limit: number; collections: string[] | undefined },
  ): Promise<ConflictsPage | Gone>;
  /** Reads the bounds of those workspaces that have had a commit. */
  readEnds(workspaceIds: readonly WorkspaceId[]): Promise<FeedEnds[]>;
  /** Reads live documents after a key, of all collections and with all ids unless some are given. */
  readDocuments(
    workspaceId: WorkspaceId,
    page: {
      after: DocumentKey;
      limit: number;
      collections?: string[] | undefined;
      ids?: string[] | undefined;
    },
  ): Promise<DocumentsPage>;
  /** Counts live documents; `undefined` if they are too many to count. */
  countDocuments(workspaceId: WorkspaceId, collections: string[] | undefined): Promise<number | undefined>;
  /** Reads a document's changes, newest first. */
  readHistory(
    workspaceId: WorkspaceId,
    document: DocumentKey,
    page: { before: number | undefined; limit: number },
  ): Promise<HistoryBody>;
}

/** Limit on the document data of a page, in bytes; the first document is always included. */
const PAGE_BYTES_MAX = 1024 * 1024;

/** Limit on the changes looked at for a page of newest ones. */
const LATEST_SCAN_MAX = 10_000;
/** Limit on the documents that are counted. */
const COUNT_MAX = 100_000;

/** Beyond this many bytes a page also ends inside a group, because a page is written as one piece of JSON. */
const GROUP_BYTES_MAX = 64 * 1024 * 1024;

const statement = statementsIn(new URL("../sql/", import.meta.url));
const READ_CHANGES = statement("read-changes");
const FOLLOW_CONFLICTS = statement("follow-conflicts");
const COUNT_DOCUMENTS = statement("count-documents");
const READ_SETTLED = statement("read-settled");
const READ_WORKSPACES = statement("read-workspaces");
const READ_SNAPSHOT = statement("read-snapshot");
const READ_HISTORY = statement("read-history");

/** A change, or nulls if the feed has none. */
type ChangeRow = Omit<HistoryChangeBody, "committed_at" | "seq"> & {
  seq: Seq | null;
  committed_at: Date;
  found: number;
};
type FeedRow = ChangeRow & { feed_to: number; feed_from: number; client_ids: ClientId[] | null };
/** An outcome, or nulls if there is none. */
type SettledRow = LedgerRow & {
  revisionTo: number;
  settledRevision: number | null;
  clientId: ClientId | null;
};
/** A record, or nulls if there is none. */
type ConflictRow = Omit<ConflictSummary, "conflict_id" | "opened_at" | "updated_at"> & {
  revision_to: number;
  revision: number;
  conflict_id: string | null;
  opened_at: Date;
  updated_at: Date;
};
type DocumentRow = Omit<DocumentBody, "updated_at" | "data"> & {
  data: JsonObject;
  updated_at: Date;
  found: number;
};

export function createPgFeed(query: Query): PgFeed {
  return {
    async readChanges(workspaceId, page): Promise<ChangesPage | Gone> {
      const { since, limit, collections, deviceId, latest = false } = page;
      const scan = latest ? LATEST_SCAN_MAX : null;
      const bounds = [PAGE_BYTES_MAX, GROUP_BYTES_MAX];
      const values = [workspaceId, since, limit, collections ?? null, ...bounds, deviceId ?? null, scan];
      const rows = await query<FeedRow>(READ_CHANGES, values);
      const [first] = rows;
      const gone = goneAt(since, { from: first?.feed_from ?? 0, to: first?.feed_to ?? 0 });
      if (gone !== undefined) return gone;
      if (first === undefined) return { changes: [], next: since, more: false };
      const changes = rows.flatMap((row) =>
        row.seq === null ? [] : [withClientIds(changeOf(row, row.seq), row, deviceId)],
      );
      const isCut = changes.length > 0 && first.found > changes.length;
      // A whole page passes every change that was looked at, including those that the reader leaves out.
      const end = scan === null ? first.feed_to : Math.min(first.feed_to, since + scan);
      const next = isCut ? (changes.at(-1)?.seq ?? since) : end;
      return { changes, next, more: isCut || next < first.feed_to };
    },

    async readSettled(workspaceId, { deviceId, after, since, limit, to }): Promise<SettledPage | Gone> {
      const values = [workspaceId, deviceId, after ?? null, since, limit, to ?? null];
      const rows = (await query<Record<string, unknown>>(READ_SETTLED, values)).map((row) =>
        camelRow<SettledRow>(row),
      );
      const [first] = rows;
      const gone = goneAt(after ?? 0, { from: 0, to: first?.revisionTo ?? 0 });
      if (gone !== undefined) return gone;
      if (first === undefined) return { settled: [], next: 0, more: false };
      const settled = rows.flatMap((row) =>
        row.clientId === null ? [] : [resultOf(row, { replayed: false })],
      );
      const end = to ?? first.revisionTo;
      const next = settled.length < limit ? end : (rows.at(-1)?.settledRevision ?? end);
      return { settled, next, more: next < end };
    },

    async readConflicts(workspaceId, { after, limit, collections }) {
      const values = [workspaceId, after.revision, after.conflictId, limit + 1, collections ?? null];
      const rows = await query<ConflictRow>(FOLLOW_CONFLICTS, values);
      const [first] = rows;
      // Records are never dropped from the front: each is ordered by its last write.
      const gone = goneAt(after.revision, { from: 0, to: first?.revision_to ?? 0 });
      if (gone !== undefined) return gone;
      if (first === undefined) return { conflicts: [], next: after, more: false };
      const conflicts = rows.slice(0, limit).flatMap(({ revision_to: _, revision, ...row }) =>
        row.conflict_id === null
          ? []
          : [
              {
                cursor: { revision, conflictId: row.conflict_id },
                summary: {
                  ...row,
                  conflict_id: row.conflict_id,
                  opened_at: row.opened_at.toISOString(),
                  updated_at: row.updated_at.toISOString(),
                },
              },
            ],
      );
      const more = rows.length > limit;
      // The last page passes every record, including those of collections that the reader leaves out.
      const end = { revision: first.revision_to, conflictId: null };
      return { conflicts, next: more ? (conflicts.at(-1)?.cursor ?? after) : end, more };
    },

    async readEnds(workspaceIds) {
      if (workspaceIds.length === 0) return [];
      const rows = await query<Record<string, unknown>>(READ_WORKSPACES, [workspaceIds]);
      return rows.map((row) => camelRow<FeedEnds>(row));
    },

    async countDocuments(workspaceId, collections) {
      const values = [workspaceId, collections ?? null, COUNT_MAX + 1];
      const [row] = await query<{ count: number }>(COUNT_DOCUMENTS, values);
      return row === undefined || row.count > COUNT_MAX ? undefined : row.count;
    },

    async readDocuments(workspaceId, { after: { collection, documentId }, limit, collections, ids }) {
      const rows = await query<DocumentRow>(READ_SNAPSHOT, [
        workspaceId,
        collection,
        documentId,
        limit,
        PAGE_BYTES_MAX,
        collections ?? null,
        ids ?? null,
      ]);
      return {
        documents: rows.map(({ found: _, updated_at, ...row }) => ({
          ...row,
          updated_at: updated_at.toISOString(),
        })),
        more: (rows[0]?.found ?? 0) > rows.length,
      };
    },

    async readHistory(workspaceId, { collection, documentId }, { before, limit }) {
      const rows = await query<ChangeRow & { seq: Seq; ended: JsonObject | null }>(READ_HISTORY, [
        workspaceId,
        collection,
        documentId,
        before ?? null,
        limit,
        PAGE_BYTES_MAX,
      ]);
      const more = (rows[0]?.found ?? 0) > rows.length;
      return {
        changes: rows.map(({ ended, ...row }) => ({
          ...changeOf(row, row.seq),
          first_version: row.first_version,
          ...(ended !== null && { ended }),
        })),
        next: more ? (rows.at(-1)?.version ?? null) : null,
        more,
      };
    },
  };
}

/** Adds the operations that a change settled, for a reader that names its device. */
function withClientIds(
  change: ChangeBody,
  { client_ids }: Pick<FeedRow, "client_ids">,
  deviceId: DeviceId | undefined,
): ChangeBody {
  return deviceId === undefined ? change : { ...change, client_ids: client_ids ?? [] };
}

function changeOf(row: ChangeRow, seq: Seq): ChangeBody {
  return {
    seq,
    collection: row.collection,
    document_id: row.document_id,
    version: row.version,
    deleted: row.deleted,
    data: row.data,
    device_id: row.device_id,
    committed_at: row.committed_at.toISOString(),
  };
}
