import type { ConflictStrategy } from "@syncline/shared/merge";
import { sentOperation } from "@syncline/shared/protocol";
import type { MemoryTables } from "@syncline/worker/testing";
import type { ServerState } from "./server-state.ts";

type ConflictRecord = MemoryTables["conflictById"] extends ReadonlyMap<string, infer Row> ? Row : never;

/** A conflict record as the listing and the event stream show it. */
export interface ConflictSummary {
  conflict_id: string;
  collection: string;
  document_id: string;
  device_id: string;
  status: ConflictRecord["status"];
  strategy: ConflictStrategy;
  round: number;
  base_version: number | null;
  current_version: number;
  resolved_version: number | null;
  resolved_seq: number | null;
  reason: string | null;
  operation_count: number;
  opened_at: string;
  updated_at: string;
}

export function conflictSummary(state: ServerState, record: ConflictRecord): ConflictSummary {
  const { openedAtMs = 0, updatedAtMs = 0 } = state.timesByConflictId.get(record.conflictId) ?? {};
  return {
    conflict_id: record.conflictId,
    collection: record.collection,
    document_id: record.documentId,
    device_id: record.deviceId,
    status: record.status,
    strategy: record.strategy,
    round: record.round,
    base_version: record.baseVersion,
    current_version: record.currentVersion,
    resolved_version: record.resolvedVersion,
    resolved_seq: record.resolvedSeq,
    reason: record.reason,
    operation_count: record.operationCount,
    opened_at: new Date(openedAtMs).toISOString(),
    updated_at: new Date(updatedAtMs).toISOString(),
  };
}

/** A whole conflict record, without its three documents. */
export function conflictRecord(state: ServerState, record: ConflictRecord): object {
  const { operation_count: _, ...summary } = conflictSummary(state, record);
  const times = state.timesByConflictId.get(record.conflictId);
  const resolvedAtMs = times?.resolvedAtMs ?? null;
  const run = state.tables.runByConflictId.get(record.conflictId) ?? [];
  const decisions = state.tables.decisions.filter(({ conflictId }) => conflictId === record.conflictId);
  return {
    ...summary,
    hook: record.hook,
    operations: run.map(({ batchId, operation }) => ({ batch_id: batchId, ...sentOperation(operation) })),
    result: record.result ?? null,
    overlaps: record.overlapList ?? null,
    two_way: record.twoWay,
    decisions: decisions.map((decision) => ({
      choice: decision.choice,
      subject: decision.subject,
      client_id: decision.clientId,
      decided_at: new Date(decision.decidedAtMs).toISOString(),
      replaced_version: decision.replacedVersion,
      replaced: decision.replaced,
      version: decision.version,
    })),
    trace_id: null,
    resolved_at: resolvedAtMs === null ? null : new Date(resolvedAtMs).toISOString(),
    open_ms: resolvedAtMs === null ? null : resolvedAtMs - (times?.openedAtMs ?? 0),
  };
}
