import { traceIdOf } from "@syncline/kit/telemetry";
import { workspaceOf } from "@syncline/lanes";
import type { StoredEntry, WorkspaceId } from "@syncline/shared/protocol";

/** The most ids that a log line names of each kind. */
const IDS_MAX = 10;

/** The ids by which an operator finds the entries of a window: of batches, workspaces and traces. */
export interface EntryIds {
  entries: number;
  workspaceIds: WorkspaceId[];
  batchIds: string[];
  conflictIds: string[];
  traceIds: string[];
}

/** Names the entries of a window for a log line. */
export function idsOf(entries: readonly StoredEntry[]): EntryIds {
  const first = (ids: readonly (string | undefined)[]) =>
    [...new Set(ids.filter((id) => id !== undefined))].slice(0, IDS_MAX);
  return {
    entries: entries.length,
    workspaceIds: first(entries.map(workspaceOf)),
    batchIds: first(entries.map(({ entry }) => (entry.kind === "batch" ? entry.batch.batchId : undefined))),
    conflictIds: first(
      entries.map(({ entry }) => (entry.kind === "resolution" ? entry.resolution.conflictId : undefined)),
    ),
    traceIds: first(entries.map(({ entry }) => traceIdOf(entry.trace))),
  };
}
