import type { JsonObject } from "@syncline/shared/document";
import { mergeRun } from "@syncline/shared/operations";
import type { Decision, DecisionChoice, LaneEntry } from "@syncline/shared/protocol";
import type { ConflictWrite } from "../core/window-plan.ts";
import { batchEntry, type MemoryTables } from "./memory-tables.ts";

/** Returns a conflict's record. */
export function recordOf(tables: MemoryTables, conflictId: string): ConflictWrite {
  const record = tables.conflictById.get(conflictId);
  if (record === undefined) throw new Error("there is no such record");
  return record;
}

/** Returns the only document. */
export function documentOf(tables: MemoryTables) {
  const [document] = [...tables.documentByKey.values()];
  return document ?? undefined;
}

/** The lane entry that ingest makes for a decision on the current tables. */
export function decide(
  tables: MemoryTables,
  conflictId: string,
  document: JsonObject | null,
  given: { choice?: DecisionChoice; clientId?: string; subject?: string; expectedVersion?: number } = {},
): LaneEntry & { kind: "batch" } {
  const conflict = recordOf(tables, conflictId);
  const current = documentOf(tables);
  const run = tables.runByConflictId.get(conflictId) ?? [];
  const { baseVersion, ancestor = null, deviceView = null } = conflict;
  const { inputs } = mergeRun(
    "merge",
    { baseVersion, ancestor, deviceView, operations: run.map(({ operation }) => operation) },
    tables.runHistory(conflict, deviceView === null ? null : conflict.deviceId),
    { data: current?.data ?? null, timestampMs: null },
  );
  const { choice = "data", clientId = "decision", subject = "bob" } = given;
  const version = current?.version ?? 0;
  const decision: Decision = { conflictId, choice, revision: conflict.revision, version, inputs };
  return batchEntry({
    device: `subject:${subject}`,
    deviceDeclared: false,
    operations: [
      {
        kind: document === null ? "delete" : "put",
        ...(document !== null && { data: document }),
        clientId,
        expectedVersion: given.expectedVersion ?? version,
        decision,
      },
    ],
  });
}
