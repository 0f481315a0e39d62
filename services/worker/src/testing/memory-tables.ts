import {
  documentKey,
  operationKey,
  type ConflictStrategy,
  type LaneEntry,
  type LedgerRow,
  type OperationResult,
} from "@syncline/shared";
import { planWindow } from "../core/plan-window.ts";
import type { ChangeWrite, WindowPlan } from "../core/window-plan.ts";
import type { ConflictState, DocumentState, WindowState, WorkspaceState } from "../core/window-state.ts";

/** The tables as plain maps: lets a test run one plan after the other without a database. */
export class MemoryTables {
  readonly workspaceById = new Map<string, WorkspaceState>();
  readonly documentByKey = new Map<string, DocumentState | null>();
  readonly ledgerRowByKey = new Map<string, LedgerRow>();
  readonly resultsByBatchId = new Map<string, OperationResult[]>();
  readonly conflictById = new Map<string, ConflictState>();
  readonly changes: ChangeWrite[] = [];
  #ids = 0;

  /** Plans a window on the tables as they are, and writes the plan into them. */
  drain(...entries: LaneEntry[]): WindowPlan {
    const plan = planWindow(entries, this.#read(entries), { newId: () => `conflict-${++this.#ids}` });
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
    for (const conflict of plan.conflicts) this.conflictById.set(conflict.conflictId, conflict);
    this.changes.push(...plan.changes);
    return plan;
  }

  #read(entries: readonly LaneEntry[]): WindowState {
    const documentByKey = new Map(this.documentByKey);
    for (const entry of entries) {
      const documents = entry.kind === "resolution" ? [entry.resolution] : entry.batch.operations;
      const { workspaceId } = entry.kind === "resolution" ? entry.resolution : entry.batch;
      for (const { collection, documentId } of documents) {
        const key = documentKey(workspaceId, collection, documentId);
        if (!documentByKey.has(key)) documentByKey.set(key, null);
      }
    }
    return {
      epoch: "epoch-1",
      workspaceById: new Map(this.workspaceById),
      documentByKey,
      ledgerRowByKey: new Map(this.ledgerRowByKey),
      resultsByBatchId: new Map(this.resultsByBatchId),
      conflicts: this.#readConflicts(entries),
    };
  }

  /** As the store does: what is unsettled, then what was resolved, then what a resolution names. */
  #readConflicts(entries: readonly LaneEntry[]): ConflictState[] {
    const all = [...this.conflictById.values()];
    const named = entries.flatMap((entry) =>
      entry.kind === "resolution" ? all.filter((c) => c.conflictId === entry.resolution.conflictId) : [],
    );
    const unsettled = all.filter(({ status }) => status === "open" || status === "parked");
    const resolved = all.filter(({ status }) => status === "resolved");
    return [...new Set([...unsettled, ...resolved, ...named])];
  }
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

/** A lane entry, with everything that the test does not care about filled in. */
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
