import { applyRun } from "../consolidate/apply-run.ts";
import { RUN_VALUES_MAX } from "../consolidate/budget.ts";
import type { JsonObject } from "../json/json.ts";
import type { ConflictStrategy } from "../protocol/batch.ts";
import type { AcceptedOperation, MergeInputs, MergeOutcome } from "../protocol/lane-entry.ts";
import { mergeByStrategy, type MergePolicy, type RemoteDocument } from "./merge-by-strategy.ts";

/** A device's operations on one document, and what it says that it started from. */
export interface DeviceRun {
  /** The version that it named; 0: no document; `null`: unknown. */
  baseVersion: number | null;
  /** What it sent along. */
  ancestor: JsonObject | null;
  /** What it saw when it went on from an operation of its own that was merged meanwhile: then the ancestor. */
  deviceView: JsonObject | null;
  operations: readonly AcceptedOperation[];
}

/** A document as history has it at some version; `deleted` where that version is a tombstone, and this what it ended. */
export interface HistoricDocument {
  data: JsonObject;
  deleted: boolean;
}

/** What a run came to. */
export interface MergedRun {
  inputs: MergeInputs;
  outcome: MergeOutcome;
  /** To replay the run takes more than it may cost: it is left to a person, and `local` is what it had come to by then. */
  costly: boolean;
}

/** Says why a run is left to a person, who can decide for the server's document, or another one. */
export const RUN_TOO_COSTLY = `To replay the device's operations takes more work than they may cost: it would copy more than ${RUN_VALUES_MAX} values`;

/**
 * Replays a device's run on what it started from, and merges the outcome with the server's document as the strategy
 * says. Pure: the conflict service and the drain decide alike.
 *
 * Where the ancestor is unknown, the run is replayed on the server's document: a patch then changes what it names and
 * nothing else.
 *
 * @param historic - the document at the run's base version, `null` where history does not have it
 */
export function mergeRun(
  strategy: ConflictStrategy,
  run: DeviceRun,
  historic: HistoricDocument | null,
  remote: RemoteDocument,
  policy: MergePolicy = {},
): MergedRun {
  const ancestor = ancestorOf(run, historic);
  const { document: local, refused, costly } = applyRun(ancestor ?? remote.data, run.operations, policy);
  const refusedIds = new Set(refused.map(({ clientId }) => clientId));
  const last = run.operations.findLast(({ clientId }) => !refusedIds.has(clientId));
  const localTimestampMs = last?.timestampMs ?? null;
  const inputs: MergeInputs = { ancestor, local, localTimestampMs };
  if (costly) {
    const outcome: MergeOutcome = {
      kind: "park",
      reason: RUN_TOO_COSTLY,
      proposed: remote.data,
      overlaps: [],
    };
    return { inputs, outcome, costly };
  }
  const outcome = mergeByStrategy(strategy, inputs, remote, policy);
  return { inputs, outcome: outcome.kind === "commit" ? { ...outcome, refused } : outcome, costly };
}

/** What the device saw: its own view, else the version that it names, else what it sent along, else nobody knows. */
function ancestorOf(run: DeviceRun, historic: HistoricDocument | null): JsonObject | null {
  if (run.deviceView !== null) return run.deviceView;
  if (run.baseVersion === 0) return {};
  // A document that is written anew after its deletion takes nothing up from before it.
  const first = run.operations[0]?.kind;
  if (historic?.deleted && (first === "put" || first === "create")) return {};
  return historic?.data ?? run.ancestor;
}
