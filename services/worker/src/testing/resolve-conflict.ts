import {
  assertInvariant,
  documentKey,
  mergeRun,
  policyOf,
  takenRises,
  type LaneEntry,
} from "@syncline/shared";
import type { ConflictWrite } from "../core/window-plan.ts";
import type { MemoryTables } from "./memory-tables.ts";

/** What the conflict service would put on the lane for a conflict, as the tables are now. */
export function resolveConflict(
  tables: MemoryTables,
  conflict: ConflictWrite,
  options: { isLastRound: boolean },
): LaneEntry & { kind: "resolution" } {
  const { workspaceId, conflictId, collection, documentId, strategy, round } = conflict;
  const { baseVersion, ancestor = null, deviceView = null } = conflict;
  const run = tables.runByConflictId.get(conflictId);
  assertInvariant(run !== undefined, "a conflict has no run");
  const document = tables.documentByKey.get(documentKey(workspaceId, collection, documentId));
  const merged = mergeRun(
    strategy,
    { baseVersion, ancestor, deviceView, operations: run.map(({ operation }) => operation) },
    tables.runHistory({ workspaceId, collection, documentId }, conflict.deviceId, deviceView !== null),
    { data: document?.data ?? null, timestampMs: document?.clientTimestampMs ?? null },
    policyOf(tables.policies, collection),
  );
  return {
    kind: "resolution",
    trace: {},
    resolution: {
      workspaceId,
      collection,
      documentId,
      conflictId,
      round,
      expectedVersion: document?.version ?? 0,
      operationsCovered: run.length,
      inputs: merged.inputs,
      outcome: merged.outcome,
      rises: takenRises(merged.raised),
      isLastRound: options.isLastRound,
    },
  };
}
