import type { ConflictJob } from "@syncline/lanes/queues";
import { camelRow, inWorkspaces, statementsIn, type Query, type Statement } from "@syncline/store";
import type { JsonObject } from "@syncline/shared/document";
import {
  type DocumentEdits,
  type HistoricChange,
  NO_HISTORY,
  type RunHistory,
  type TimedChange,
  versionsOf,
} from "@syncline/shared/operations";
import {
  sentOperation,
  type AcceptedOperation,
  type BackoffBounds,
  type BatchId,
  type CollectionName,
  type ConflictId,
  type DeviceId,
  type DocumentId,
  type Version,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import type { UnsentRecord, UnsentSummary } from "@syncline/shared/schemas";
import type { ConflictCase } from "../core/merge-conflict.ts";
import type { RecordedCase, RecordedConflict } from "../core/preview-conflict.ts";

/** The filters of a list of records; an omitted filter matches every record. */
export interface ConflictsPage {
  status?: string | undefined;
  collection?: CollectionName | undefined;
  documentId?: DocumentId | undefined;
  deviceId?: DeviceId | undefined;
  /** Time of opening in RFC 3339: `since` is inclusive, `until` exclusive. */
  since?: string | undefined;
  until?: string | undefined;
  /** The last conflict id of the page before. */
  before?: string | undefined;
  limit: number;
}

/** The end of a page of stalled conflicts. */
export interface StalledCursor {
  /** The time as Postgres writes it: a `Date` has no microseconds. */
  roundAt: string;
  conflictId: ConflictId;
}

/** Reads conflicts. The service writes nothing to Postgres: its outcomes go through the lane. */
export interface PgConflicts {
  readCase(workspaceId: WorkspaceId, conflictId: ConflictId): Promise<RecordedCase | undefined>;
  /**
   * Lists a page of stalled conflicts, the longest stalled first: open ones without an event for `stalledMs`, not
   * counting the backoff of their round. `next` is the cursor of the next page, if there may be one.
   */
  listStalled(
    quiet: { stalledMs: number; backoff: BackoffBounds },
    page: { after?: StalledCursor | undefined; limit: number },
  ): Promise<{ jobs: ConflictJob[]; next: StalledCursor | undefined }>;
  /** Lists a page of a workspace's records, newest first, as the wire shows them. */
  list(workspaceId: WorkspaceId, page: ConflictsPage): Promise<UnsentSummary[]>;
  show(workspaceId: WorkspaceId, conflictId: ConflictId): Promise<UnsentRecord | undefined>;
  /** Counts the unresolved conflicts and their operations, one row for each status that occurs. */
  countUnsettled(): Promise<{ status: "open" | "parked"; conflicts: number; operations: number }[]>;
}

const statement = statementsIn(new URL("../sql/", import.meta.url));
const READ_CONFLICT = statement("read-conflict");
const READ_REMOTE = statement("read-remote");
const READ_EDITS = statement("read-edits");
const READ_ANCESTOR = statement("read-ancestor");
const READ_RISES = statement("read-rises");
const READ_LAST_OWN = statement("read-last-own");
const LIST_OPEN = statement("list-open-conflicts");
const LIST = statement("list-conflicts");
const SHOW = statement("show-conflict");
const COUNT_UNSETTLED = statement("count-unsettled");

/** A record as the wire shows it, except that the run's operations are in ingest's form. */
type ShownConflict = Omit<UnsentRecord, "operations"> & {
  operations: { batchId: BatchId; operation: AcceptedOperation }[];
};

const BEFORE_ALL: StalledCursor = {
  roundAt: "-infinity",
  conflictId: "00000000-0000-0000-0000-000000000000",
};

/** Limit on the documents from which the times of edits are derived, in bytes. */
const EDITS_BYTES_MAX = 4 * 1024 * 1024;

function editsOf(baseVersion: Version, rows: readonly Record<string, unknown>[]): DocumentEdits {
  const changes = rows.map((row): TimedChange => {
    const { data, ...change } = camelRow<Omit<TimedChange, "data"> & { data: string | null }>(row);
    return { ...change, data: data === null ? null : (JSON.parse(data) as JsonObject) };
  });
  return { seenVersion: Number(rows[0]?.["seen_version"] ?? baseVersion), changes };
}

export function createPgConflicts(query: Query): PgConflicts {
  return {
    async readCase(workspaceId, conflictId) {
      const [row] = await query<Record<string, unknown>>(READ_CONFLICT, [workspaceId, conflictId]);
      if (row === undefined) return undefined;
      const conflict = camelRow<RecordedConflict>(row);
      const document = [workspaceId, conflict.collection, conflict.documentId];
      const [[remote], history] = await Promise.all([
        query<Record<string, unknown>>(READ_REMOTE, document),
        readHistory(query, conflict),
      ]);
      return {
        conflict,
        remote:
          remote === undefined
            ? { version: 0, data: null, timestampMs: null }
            : camelRow<ConflictCase["remote"]>(remote),
        history,
      };
    },

    async listStalled({ stalledMs, backoff: { backoffMsMin, backoffMsMax } }, { after = BEFORE_ALL, limit }) {
      const parameters = [stalledMs, limit, backoffMsMin, backoffMsMax, after.roundAt, after.conflictId];
      const found = await query<Record<string, unknown>>(LIST_OPEN, parameters);
      const rows = found.map((row) => camelRow<ConflictJob & StalledCursor>(row));
      return {
        jobs: rows.map(({ roundAt: _, ...job }) => job),
        next: rows.length < limit ? undefined : rows.at(-1),
      };
    },

    list: (workspaceId, { before, limit, ...of }) => {
      const filters = [of.status, of.collection, of.documentId, of.deviceId, of.since, of.until];
      return query<UnsentSummary>(LIST, [
        workspaceId,
        before ?? null,
        limit,
        ...filters.map((value) => value ?? null),
      ]);
    },

    async show(workspaceId, conflictId) {
      const [row] = await query<ShownConflict>(SHOW, [workspaceId, conflictId]);
      if (row === undefined) return undefined;
      const operations = row.operations.map(({ batchId, operation }) => ({
        batch_id: batchId,
        ...sentOperation(operation),
      }));
      return { ...row, operations };
    },

    countUnsettled: () => inWorkspaces([], () => query(COUNT_UNSETTLED, [])),
  };
}

/** Reads the documents that the merge of a run starts from, and the times of other devices' edits since. */
async function readHistory(query: Query, conflict: RecordedConflict): Promise<RunHistory> {
  const [{ changes, lastOwnVersion }, edits] = await Promise.all([
    readDocuments(query, conflict),
    readEdits(query, conflict),
  ]);
  return { changes, lastOwnVersion, ...(edits && { edits }) };
}

async function readDocuments(query: Query, conflict: RecordedConflict): Promise<RunHistory> {
  const { workspaceId, collection, documentId, deviceId, deviceView, currentVersion } = conflict;
  if (conflict.status === "resolved") return NO_HISTORY;
  const versions = versionsOf(conflict);
  const document = [workspaceId, collection, documentId];
  const read = async (statement: Statement, ...seen: unknown[]) => {
    if (versions.length === 0) return [];
    const rows = await query<Record<string, unknown>>(statement, [...document, ...seen]);
    return rows.map((row) => camelRow<HistoricChange & { lastOwnVersion: number }>(row));
  };
  if (deviceView === null)
    return { changes: await read(READ_ANCESTOR, versions, deviceId, currentVersion), lastOwnVersion: 0 };
  const changes = await read(READ_RISES, versions, deviceId);
  const lastOwnVersion = changes[0]?.lastOwnVersion ?? (await readLastOwn(query, [...document, deviceId]));
  return { changes, lastOwnVersion };
}

/** Reads the version of the device's last change; 0: none. A document that the device sent along may lack it. */
async function readLastOwn(query: Query, parameters: unknown[]): Promise<number> {
  const [row] = await query<{ version: number }>(READ_LAST_OWN, parameters);
  return row?.version ?? 0;
}

/** Reads the document's changes since the first version that the run names, if a merge may depend on their times. */
async function readEdits(query: Query, conflict: RecordedConflict): Promise<DocumentEdits | undefined> {
  const { workspaceId, collection, documentId, deviceId, currentVersion, strategy, hook, status } = conflict;
  const since = conflict.baseVersion ?? versionsOf(conflict)[0];
  const isTimed = strategy === "last-write-wins" || hook === "due" || status !== "open";
  if (since === undefined || !isTimed) return undefined;
  const seen = [workspaceId, collection, documentId, since, deviceId, currentVersion];
  const rows = await query<Record<string, unknown>>(READ_EDITS, [...seen, EDITS_BYTES_MAX]);
  return editsOf(since, rows);
}
