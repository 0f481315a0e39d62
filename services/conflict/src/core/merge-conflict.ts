import { mergeRun, type HistoricDocument, type RemoteDocument, type Resolution } from "@syncline/shared";
import type { OpenConflict } from "./open-conflict.ts";

/** A conflict with the documents that it is about. */
export interface ConflictCase {
  conflict: OpenConflict;
  /** `version` is 0 where there is no document. */
  remote: RemoteDocument & { version: number };
  /** The document at the conflict's base version, `null` where history does not have it. */
  historic: HistoricDocument | null;
}

/** Merges a conflict, with all that the drain needs to commit it, or to merge it once more in the last round. Pure. */
export function mergeConflict(
  { conflict, remote, historic }: ConflictCase,
  options: { roundsMax: number },
): Resolution {
  return {
    workspaceId: conflict.workspaceId,
    collection: conflict.collection,
    documentId: conflict.documentId,
    conflictId: conflict.conflictId,
    round: conflict.round,
    expectedVersion: remote.version,
    operationsCovered: conflict.operations.length,
    ...mergeRun(conflict.strategy, conflict, historic, remote),
    isLastRound: conflict.round >= options.roundsMax,
  };
}
