import { policyOf } from "@syncline/shared/merge";
import { mergeRun, takenRises, timesBetween, versionsOf } from "@syncline/shared/operations";
import { assertInvariant, documentKey, type LaneEntry } from "@syncline/shared/protocol";
import type { ConflictWrite } from "../core/window-plan.ts";
import { historyOfConflict } from "./history-of-conflict.ts";
import type { MemoryTables } from "./memory-tables.ts";

/** The conflict service's resolution of a conflict, on the current tables. */
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
  const policy = policyOf(tables.policies, collection);
  const operations = run.map(({ operation }) => operation);
  const versions = versionsOf({ baseVersion, operations });
  const history = historyOfConflict(tables, conflict, operations);
  const merged = mergeRun(
    strategy,
    { baseVersion, ancestor, deviceView, operations },
    history,
    {
      data: document?.data ?? null,
      timestampMs: document?.clientTimestampMs ?? null,
      ...timesBetween(history, versions.at(-1) ?? baseVersion, policy),
    },
    policy,
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
