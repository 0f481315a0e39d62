import type { JsonObject } from "@syncline/shared/document";
import {
  documentKey,
  operationKey,
  resultOf,
  type BatchId,
  type DocumentBody,
  type LaneEntry,
  type LedgerRow,
  type OperationResult,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import { MemoryTables, type PlainChange, type PlainPlan } from "@syncline/worker/testing";

/** A change with its commit. */
export interface StoredChange extends PlainChange {
  committedAtMs: number;
  revision: number;
}

/** The commit that settled an operation last. */
interface SettledBy {
  atMs: number;
  revision: number;
}

/** The counters of a workspace, and its feed. */
export interface StoredWorkspace {
  seq: number;
  revision: number;
  /** Changes up to this seq are no longer in the feed. */
  feedFrom: number;
  changes: StoredChange[];
}

/** A batch, by its id. */
export interface StoredBatch {
  workspaceId: WorkspaceId;
  deviceId: string;
  acceptedAtMs: number;
  drainedAtMs: number;
  results: OperationResult[];
}

/** A document or tombstone. */
export interface StoredRow {
  workspaceId: WorkspaceId;
  collection: string;
  documentId: string;
  version: number;
  seq: number;
  data: JsonObject | null;
  updatedAtMs: number;
}

interface ConflictTimes {
  openedAtMs: number;
  updatedAtMs: number;
  resolvedAtMs: number | null;
  roundAtMs: number;
}

/**
 * Everything that the server stores: the tables that the worker's plans read and write, and the columns that only readers
 * need.
 */
export class ServerState {
  readonly tables: MemoryTables;
  epoch: string;
  readonly workspaceById = new Map<string, StoredWorkspace>();
  readonly rowByKey = new Map<string, StoredRow>();
  readonly batchById = new Map<string, StoredBatch>();
  readonly timesByConflictId = new Map<string, ConflictTimes>();
  readonly settledByOperation = new Map<string, SettledBy>();
  readonly ownerByDevice = new Map<string, string>();

  constructor(epoch: string, newId: () => string) {
    this.epoch = epoch;
    this.tables = new MemoryTables();
    this.tables.epoch = epoch;
    this.tables.newId = newId;
  }

  /** Commits a window. */
  drain(entries: readonly Parameters<MemoryTables["drain"]>[0][], nowMs: number): PlainPlan {
    const plan = this.tables.drain(...entries);
    for (const { workspaceId, seq, expectedRevision } of plan.workspaces) {
      Object.assign(this.workspace(workspaceId), { seq, revision: expectedRevision + 1 });
    }
    for (const change of plan.changes) {
      const { changes, revision } = this.workspace(change.workspaceId);
      changes.push({ ...change, committedAtMs: nowMs, revision });
    }
    for (const { workspaceId, collection, documentId, version, seq, data } of plan.documents) {
      const row = { workspaceId, collection, documentId, version, seq, data, updatedAtMs: nowMs };
      this.rowByKey.set(documentKey(workspaceId, collection, documentId), row);
    }
    for (const { batchId, workspaceId, deviceId, acceptedAtMs, results } of plan.batches) {
      this.batchById.set(batchId, { workspaceId, deviceId, acceptedAtMs, drainedAtMs: nowMs, results });
    }
    for (const row of plan.ledgerRows) {
      if (row.status === "pending") continue;
      const { revision } = this.workspace(row.workspaceId);
      const key = operationKey(row.workspaceId, row.deviceId, row.clientId);
      this.settledByOperation.set(key, { atMs: nowMs, revision });
    }
    for (const { conflictId, status, round } of plan.conflicts) {
      const before = this.timesByConflictId.get(conflictId);
      this.timesByConflictId.set(conflictId, {
        openedAtMs: before?.openedAtMs ?? nowMs,
        updatedAtMs: nowMs,
        resolvedAtMs: before?.resolvedAtMs ?? (status === "resolved" ? nowMs : null),
        roundAtMs: round === 1 ? (before?.roundAtMs ?? nowMs) : nowMs,
      });
    }
    return plan;
  }

  /** Puts an entry on the lane. */
  accept(entry: LaneEntry): ReturnType<MemoryTables["accept"]> {
    return this.tables.accept(entry);
  }

  workspace(workspaceId: WorkspaceId): StoredWorkspace {
    let workspace = this.workspaceById.get(workspaceId);
    if (workspace === undefined) {
      workspace = { seq: 0, revision: 0, feedFrom: 0, changes: [] };
      this.workspaceById.set(workspaceId, workspace);
    }
    return workspace;
  }

  /** The current results of a drained batch: those that were pending come from the ledger. */
  resultsOf(batchId: BatchId): OperationResult[] | undefined {
    const batch = this.batchById.get(batchId);
    return batch?.results.map((result) => {
      if (result.status !== "pending") return result;
      const row = this.ledgerRow(batch.workspaceId, batch.deviceId, result.client_id);
      return row === undefined ? result : resultOf(row, { replayed: row.batchId !== batchId });
    });
  }

  ledgerRow(workspaceId: WorkspaceId, deviceId: string, clientId: string): LedgerRow | undefined {
    return this.tables.ledgerRowByKey.get(operationKey(workspaceId, deviceId, clientId));
  }

  /** The ledger's rows of a device's settled operations, in the order of the commits that settled them. */
  settledRows(workspaceId: WorkspaceId, deviceId: string): { revision: number; row: LedgerRow }[] {
    return [...this.tables.ledgerRowByKey]
      .flatMap(([key, row]) => {
        const { revision } = this.settledByOperation.get(key) ?? {};
        const isAsked = row.workspaceId === workspaceId && row.deviceId === deviceId;
        return isAsked && row.status !== "pending" && revision !== undefined ? [{ revision, row }] : [];
      })
      .toSorted(
        (a, b) =>
          a.revision - b.revision ||
          a.row.acceptedAtMs - b.row.acceptedAtMs ||
          compare(a.row.clientId, b.row.clientId),
      );
  }

  /** The live documents of a workspace, in key order. */
  liveRows(workspaceId: WorkspaceId): (StoredRow & { data: JsonObject })[] {
    const rows = [...this.rowByKey.values()].filter(
      (row): row is StoredRow & { data: JsonObject } => row.workspaceId === workspaceId && row.data !== null,
    );
    return rows.sort((a, b) => compare(a.collection, b.collection) || compare(a.documentId, b.documentId));
  }

  /** Copies the state, as a backup of a database does. */
  copy(): ServerState {
    const copy = new ServerState(this.epoch, this.tables.newId);
    copy.become(this);
    return copy;
  }

  /** Replaces the state by a copy of another one, as a restore does. */
  become(other: ServerState): void {
    this.epoch = other.epoch;
    this.tables.becomeCopyOf(other.tables);
    for (const [id, workspace] of refill(this.workspaceById, other.workspaceById)) {
      this.workspaceById.set(id, { ...workspace, changes: [...workspace.changes] });
    }
    refill(this.rowByKey, other.rowByKey);
    refill(this.batchById, other.batchById);
    refill(this.timesByConflictId, other.timesByConflictId);
    refill(this.settledByOperation, other.settledByOperation);
    refill(this.ownerByDevice, other.ownerByDevice);
  }
}

function refill<K, V>(map: Map<K, V>, from: ReadonlyMap<K, V>): Map<K, V> {
  const entries = [...from];
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
  return map;
}

/** Compares by code points, as the database does. */
export function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** A document as the wire shows it. */
export function documentBody(row: StoredRow & { data: JsonObject }): DocumentBody {
  return {
    workspace_id: row.workspaceId,
    collection: row.collection,
    document_id: row.documentId,
    version: row.version,
    seq: row.seq,
    data: row.data,
    updated_at: new Date(row.updatedAtMs).toISOString(),
  };
}
