import { DocumentData, type JsonObject } from "@syncline/shared/document";
import type { ConflictStrategy, Policies } from "@syncline/shared/merge";
import {
  type DocumentEdits,
  type HistoricChange,
  type HistoricDocument,
  risenTo,
  type RunHistory,
} from "@syncline/shared/operations";
import {
  documentKey,
  operationKey,
  type AcceptedOperation,
  type LaneEntry,
  type LedgerRow,
  type OperationResult,
  type StoredEntry,
} from "@syncline/shared/protocol";
import { planWindow } from "../core/plan-window.ts";
import type {
  ChangeWrite,
  ConflictWrite,
  DecisionWrite,
  DocumentWrite,
  WindowPlan,
} from "../core/window-plan.ts";
import {
  historyKey,
  type ConflictState,
  type Historic,
  type DocumentState,
  type EditsKey,
  type HeldRow,
  type HistoryKey,
  type VersionKey,
  type ViewKey,
  type WindowState,
  type WorkspaceState,
} from "../core/window-state.ts";

/** A row with its documents as values. */
type Plain<Row> = { [K in keyof Row]: Row[K] extends DocumentData | null ? JsonObject | null : Row[K] };

export type PlainChange = Plain<ChangeWrite>;

/** A plan as a test reads it. */
export interface PlainPlan extends Omit<WindowPlan, "changes" | "documents"> {
  changes: PlainChange[];
  documents: Plain<DocumentWrite>[];
}

/** The tables as plain maps: a test can run one plan after the other without a database. */
export class MemoryTables {
  readonly workspaceById = new Map<string, WorkspaceState>();
  readonly documentByKey = new Map<string, Plain<DocumentState> | null>();
  readonly ledgerRowByKey = new Map<string, LedgerRow>();
  readonly resultsByBatchId = new Map<string, OperationResult[]>();
  readonly conflictById = new Map<string, ConflictWrite>();
  readonly changes: PlainChange[] = [];
  readonly decisions: DecisionWrite[] = [];
  /** The operations behind each conflict, in order. */
  readonly runByConflictId = new Map<string, { batchId: string; operation: AcceptedOperation }[]>();
  /** The number of plans that lacked history and were made again. */
  historyReads = 0;
  /** The policies that decide if a batch names no strategy. */
  policies: Policies = {};
  /** The identity of this history. */
  epoch = "epoch-1";
  /** The ledger's retention in milliseconds; `undefined`: indefinite. */
  ledgerRetentionMs: number | undefined;
  /** Makes the ids of conflicts. */
  newId: () => string = () => `conflict-${++this.#ids}`;
  #ids = 0;
  #acceptedId = 0;
  #answeredId = 0;

  /** Puts an entry on the lane; entries drained from now on are answered after its acceptance. */
  accept(entry: LaneEntry): StoredEntry {
    return { id: `${++this.#acceptedId}-0`, answeredId: `${this.#answeredId}-0`, entry };
  }

  /** Replaces the tables by a copy of others, as a restore does. */
  becomeCopyOf(other: MemoryTables): void {
    this.policies = other.policies;
    this.epoch = other.epoch;
    this.ledgerRetentionMs = other.ledgerRetentionMs;
    refill(this.workspaceById, other.workspaceById);
    refill(this.documentByKey, other.documentByKey);
    refill(this.ledgerRowByKey, other.ledgerRowByKey);
    refill(this.resultsByBatchId, other.resultsByBatchId);
    refill(this.conflictById, other.conflictById);
    const runs = [...other.runByConflictId].map(([id, run]) => [id, [...run]] as const);
    refill(this.runByConflictId, new Map(runs));
    this.changes.splice(0, Infinity, ...other.changes);
    this.decisions.splice(0, Infinity, ...other.decisions);
  }

  /** Plans a window on the current tables, and writes the plan into them. */
  drain(...given: (LaneEntry | StoredEntry)[]): PlainPlan {
    const entries = given.map((entry) => ("entry" in entry ? entry : this.accept(entry)));
    const plan = plainPlan(this.#plan(entries));
    this.#answeredId = Math.max(this.#answeredId, ...entries.map(({ id }) => Number.parseInt(id, 10)));
    for (const { workspaceId, seq, expectedRevision } of plan.workspaces) {
      this.workspaceById.set(workspaceId, { seq, revision: expectedRevision + 1 });
    }
    for (const { workspaceId, collection, documentId, seq: _, ...document } of plan.documents) {
      this.documentByKey.set(documentKey(workspaceId, collection, documentId), document);
    }
    for (const row of plan.ledgerRows) {
      this.ledgerRowByKey.set(operationKey(row.workspaceId, row.deviceId, row.clientId), row);
    }
    for (const batch of plan.batches) this.resultsByBatchId.set(batch.batchId, batch.results);
    for (const { overlapCount: _, ...conflict } of plan.conflicts) {
      const before = this.conflictById.get(conflict.conflictId);
      this.conflictById.set(conflict.conflictId, { ...before, ...conflict });
    }
    this.#writeRuns(plan);
    this.changes.push(...plan.changes);
    this.decisions.push(...plan.decisions);
    return plan;
  }

  #plan(entries: readonly StoredEntry[]): WindowPlan {
    let state = this.#read(entries);
    for (;;) {
      const plan = planWindow(entries, state, {
        newId: this.newId,
        policies: this.policies,
        ledgerRetentionMs: this.ledgerRetentionMs,
      });
      if (plan.missingHistory.length === 0) return plan;
      this.historyReads += 1;
      const found = plan.missingHistory.map((place) => [historyKey(place), this.#historic(place)] as const);
      state = { ...state, historyByKey: new Map([...state.historyByKey, ...found]) };
    }
  }

  /** The whole history of a document, for a run that continues from its device's view; `null` for any other run. */
  runHistory(
    of: Pick<ChangeWrite, "workspaceId" | "collection" | "documentId">,
    deviceId: string | null,
  ): RunHistory {
    let live: JsonObject = {};
    const changes = this.changes
      .filter(
        (one) =>
          one.workspaceId === of.workspaceId &&
          one.collection === of.collection &&
          one.documentId === of.documentId,
      )
      .map(({ firstVersion, version, data, ended, ...by }): HistoricChange => {
        live = data ?? ended ?? live;
        const own = deviceId !== null && by.deviceId === deviceId;
        const timestampMs = by.clientTimestampMs;
        return { firstVersion, version, timestampMs, own, data: live, deleted: data === null };
      });
    return { changes, lastOwnVersion: changes.findLast(({ own }) => own)?.version ?? 0 };
  }

  #historic(place: HistoryKey): Historic {
    if ("from" in place) return this.runHistory(place, place.deviceId);
    if ("since" in place) return this.editsSince(place);
    return "view" in place ? this.#viewOf(place) : this.atVersion(place);
  }

  /** The changes of a document since a device saw it. */
  editsSince(place: EditsKey): DocumentEdits {
    const { since, seenUntil, deviceId } = place;
    const of = this.changes.filter(
      (change) =>
        change.workspaceId === place.workspaceId &&
        change.collection === place.collection &&
        change.documentId === place.documentId,
    );
    const isOwn = (change: PlainChange) => deviceId !== null && change.deviceId === deviceId;
    let seenVersion = of.find(({ version }) => version >= since)?.version ?? since;
    if (since === 0) seenVersion = 0;
    for (const change of of) {
      const isNext = change.firstVersion === seenVersion + 1 && isOwn(change);
      if (isNext && change.version <= (seenUntil ?? change.version)) seenVersion = change.version;
    }
    const changes = of.filter(({ version }) => version >= seenVersion);
    return {
      seenVersion,
      changes: changes.map(({ clientTimestampMs: timestampMs, ...change }) => ({
        ...change,
        timestampMs,
        leftOut: false,
        own: isOwn({ ...change, clientTimestampMs: timestampMs }),
      })),
    };
  }

  #viewOf({ conflictId, view }: ViewKey): HistoricDocument | null {
    const conflict = this.conflictById.get(conflictId);
    return conflict === undefined ? null : { data: conflict[view] ?? {}, deleted: false };
  }

  /** The document that a device which names a version saw. */
  atVersion(place: VersionKey): HistoricDocument | null {
    const of = this.changes.filter(
      (change) =>
        change.workspaceId === place.workspaceId &&
        change.collection === place.collection &&
        change.documentId === place.documentId,
    );
    const others = of.find(
      ({ version, deviceId }) =>
        version > place.version && (place.deviceId === null || deviceId !== place.deviceId),
    );
    const version = Math.max(place.version, (others?.firstVersion ?? 0) - 1);
    const at = of.findIndex((change) => change.firstVersion <= version && version <= change.version);
    const live = of.slice(0, at + 1).findLast((change) => (change.data ?? change.ended) !== null);
    const data = live?.data ?? live?.ended ?? null;
    return data && { data, deleted: of[at]?.data === null };
  }

  #writeRuns(plan: PlainPlan): void {
    const moved = plan.heldMoves.map((move) => ({
      ...move,
      held: this.runByConflictId.get(move.conflictId)?.[move.place],
    }));
    for (const { conflictId, place } of plan.heldMoves.toReversed()) {
      this.runByConflictId.get(conflictId)?.splice(place, 1);
    }
    for (const { toConflictId, held } of moved) if (held) this.#runOf(toConflictId).push(held);
    for (const { conflictId, batchId, operation } of plan.heldWrites) {
      this.#runOf(conflictId).push({ batchId, operation });
    }
  }

  #runOf(conflictId: string): { batchId: string; operation: AcceptedOperation }[] {
    const run = this.runByConflictId.get(conflictId) ?? [];
    this.runByConflictId.set(conflictId, run);
    return run;
  }

  #read(entries: readonly StoredEntry[]): WindowState {
    const documentByKey = new Map<string, DocumentState | null>();
    for (const { entry } of entries) {
      const documents = entry.kind === "resolution" ? [entry.resolution] : entry.batch.operations;
      const { workspaceId } = entry.kind === "resolution" ? entry.resolution : entry.batch;
      for (const { collection, documentId } of documents) {
        const key = documentKey(workspaceId, collection, documentId);
        const row = this.documentByKey.get(key) ?? null;
        documentByKey.set(key, row && { ...row, data: DocumentData.of(row.data) });
      }
    }
    return {
      epoch: this.epoch,
      workspaceById: this.workspaceById,
      documentByKey,
      ledgerRowByKey: this.ledgerRowByKey,
      ledgerDroppedToMs: null,
      resultsByBatchId: this.resultsByBatchId,
      conflicts: this.#readConflicts(entries),
      runByConflictId: new Map(entries.flatMap(conflictIdsIn).map((conflictId) => this.#readRun(conflictId))),
      historyByKey: new Map(),
    };
  }

  #readRun(conflictId: string): [string, HeldRow[]] {
    const rows = this.#runOf(conflictId).map(({ operation }, place) => ({
      conflictId,
      place,
      clientId: operation.clientId,
      bytes: JSON.stringify(operation).length,
      risesTo: risenTo(null, operation),
      content: operation,
    }));
    return [conflictId, rows];
  }

  /**
   * Finds the same conflicts as the store: unresolved, reported and resolved ones, and those that a resolution or a
   * decision names, all without their documents.
   */
  #readConflicts(entries: readonly StoredEntry[]): ConflictState[] {
    const all = [...this.conflictById.values()].map(withoutDocuments);
    const namedIds = new Set(entries.flatMap(conflictIdsIn));
    const named = all.filter(({ conflictId }) => namedIds.has(conflictId));
    const unsettled = all.filter(({ status }) => status === "open" || status === "parked");
    const settled = all.filter(({ status }) => status === "reported" || status === "resolved");
    return [...new Set([...unsettled, ...settled, ...named])];
  }
}

function refill<K, V>(map: Map<K, V>, from: ReadonlyMap<K, V>): void {
  const entries = [...from];
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}

function plainPlan(plan: WindowPlan): PlainPlan {
  return {
    ...plan,
    changes: plan.changes.map((change) => ({
      ...change,
      data: plain(change.data),
      ended: plain(change.ended),
    })),
    documents: plan.documents.map((document) => ({ ...document, data: plain(document.data) })),
  };
}

/** Returns the data in the form that Postgres stores. */
function plain(data: DocumentData | null): JsonObject | null {
  return data && (JSON.parse(data.text) as JsonObject);
}

function withoutDocuments(conflict: ConflictWrite): ConflictState {
  const { ancestor, deviceView, ancestorView, remoteView, localView, result, overlapList, ...read } =
    conflict;
  return { ...read, overlapCount: overlapList?.length ?? null };
}

/** The conflicts that an entry names. */
function conflictIdsIn({ entry }: StoredEntry): string[] {
  if (entry.kind === "resolution") return [entry.resolution.conflictId];
  return entry.batch.operations.flatMap(({ decision }) => decision?.conflictId ?? []);
}

/** An operation as a test writes it down. */
export type GivenOperation = Partial<
  Omit<Extract<LaneEntry, { kind: "batch" }>["batch"]["operations"][number], "kind">
> & {
  kind: "create" | "put" | "update" | "delete";
};

/** A batch as a test writes it down. */
export interface GivenBatch {
  device?: string;
  deviceDeclared?: boolean;
  workspace?: string;
  atomic?: boolean;
  onConflict?: ConflictStrategy;
  epoch?: string;
  id?: string;
  operations: GivenOperation[];
}

let batches = 0;
let operations = 0;

/** A lane entry, with default values for all fields that the test does not set. */
export function batchEntry(given: GivenBatch): LaneEntry & { kind: "batch" } {
  const batchId = given.id ?? `batch-${++batches}`;
  return {
    kind: "batch",
    trace: {},
    batch: {
      batchId,
      workspaceId: given.workspace ?? "w1",
      deviceId: given.device ?? "d1",
      deviceDeclared: given.deviceDeclared ?? true,
      subject: "alice",
      requestId: "request-1",
      acceptedAtMs: 1_000,
      replyTo: "ingest-1",
      atomic: given.atomic ?? false,
      ...(given.onConflict === undefined ? {} : { onConflict: given.onConflict }),
      ...(given.epoch === undefined ? {} : { epoch: given.epoch }),
      operations: given.operations.map((operation, position) => {
        const clientId = operation.clientId ?? `op-${++operations}`;
        return {
          position,
          collection: "documents",
          documentId: "doc-1",
          fingerprint: `content of ${clientId}`,
          ...operation,
          clientId,
        };
      }),
    },
  };
}
