import {
  applyOperation,
  mergeByStrategy,
  type HeldOperation,
  type JsonObject,
  type MergeInputs,
  type RefusedOperation,
  type Resolution,
} from "@syncline/shared";
import type { OpenConflict, RemoteDocument } from "./open-conflict.ts";

/** A document as history has it at some version; `deleted` where that version is a tombstone, and this what it ended. */
export interface HistoricDocument {
  data: JsonObject;
  deleted: boolean;
}

/** A conflict with the documents that it is about. */
export interface ConflictCase {
  conflict: OpenConflict;
  remote: RemoteDocument;
  /** The document at the conflict's base version, `null` where history does not have it. */
  historic: HistoricDocument | null;
}

/**
 * Merges a conflict: replays the device's run on what it started from, and merges the outcome with the server's document
 * as the strategy says. Pure.
 *
 * Where the ancestor is unknown, the run is replayed on the server's document: a patch then changes what it names and
 * nothing else.
 */
export function mergeConflict(on: ConflictCase, options: { roundsMax: number }): Resolution {
  const { conflict, remote } = on;
  const ancestor = ancestorOf(on);
  const { local, refused } = replayRun(ancestor ?? remote.data, conflict.operations);
  const inputs: MergeInputs = { ancestor, local, newer: newerSide(conflict.operations, remote) };
  const outcome = mergeByStrategy(conflict.strategy, inputs, remote.data);
  return {
    workspaceId: conflict.workspaceId,
    collection: conflict.collection,
    documentId: conflict.documentId,
    conflictId: conflict.conflictId,
    round: conflict.round,
    expectedVersion: remote.version,
    operationsCovered: conflict.operations.length,
    outcome: outcome.kind === "commit" ? { ...outcome, refused } : outcome,
    inputs,
    isLastRound: conflict.round >= options.roundsMax,
  };
}

/** What the device saw: its own view, else the version that it names, else what it sent along, else nobody knows. */
function ancestorOf({ conflict, historic }: ConflictCase): JsonObject | null {
  if (conflict.deviceView !== null) return conflict.deviceView;
  if (conflict.baseVersion === 0) return {};
  // A document that is written anew after its deletion takes nothing up from before it.
  const first = conflict.operations[0]?.kind;
  if (historic?.deleted && (first === "put" || first === "create")) return {};
  return historic?.data ?? conflict.ancestor;
}

/** Applies a device's run one after the other; an operation that is itself at fault is left out, and named. */
function replayRun(
  base: JsonObject | null,
  operations: readonly HeldOperation[],
): { local: JsonObject | null; refused: RefusedOperation[] } {
  let local = base;
  const refused: RefusedOperation[] = [];
  for (const operation of operations) {
    const applied = applyOperation(local, operation);
    if (applied.ok) local = applied.document;
    else
      refused.push({ clientId: operation.clientId, errorType: applied.errorType, message: applied.message });
  }
  return { local, refused };
}

function newerSide(operations: readonly HeldOperation[], remote: RemoteDocument): "local" | "remote" {
  const localMs = operations.at(-1)?.timestampMs;
  if (localMs === undefined || remote.timestampMs === null) return "remote";
  return localMs > remote.timestampMs ? "local" : "remote";
}
