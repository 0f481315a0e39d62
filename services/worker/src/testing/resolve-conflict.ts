import {
  assertInvariant,
  documentKey,
  mergeRun,
  policyOf,
  type HistoricDocument,
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
    historicOf(tables, conflict),
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
      ...merged,
      isLastRound: options.isLastRound,
    },
  };
}

/** The document at the conflict's base version; of a tombstone what it ended. */
function historicOf(tables: MemoryTables, conflict: ConflictWrite): HistoricDocument | null {
  const { workspaceId, collection, documentId, baseVersion } = conflict;
  if (baseVersion === null) return null;
  const key = documentKey(workspaceId, collection, documentId);
  const changes = tables.changes.filter(
    (change) => documentKey(change.workspaceId, change.collection, change.documentId) === key,
  );
  const at = changes.findIndex(
    ({ firstVersion, version }) => firstVersion <= baseVersion && baseVersion <= version,
  );
  const live = changes.slice(0, at + 1).findLast((change) => (change.data ?? change.ended) !== null);
  const data = live?.data ?? live?.ended ?? null;
  return data && { data, deleted: changes[at]?.data === null };
}
