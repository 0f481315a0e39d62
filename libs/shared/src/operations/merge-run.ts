import { RUN_VALUES_MAX } from "../document/budget.ts";
import { jsonEqual } from "../document/json-equal.ts";
import type { ConflictStrategy } from "../merge/conflict-strategy.ts";
import type { MergeInputs, MergeOutcome, RisesTaken } from "../protocol/lane-entry.ts";
import type { MergePolicy } from "../merge/merge-policy.ts";
import {
  decideByStrategy,
  mergeByStrategy,
  type RemoteDocument,
  type StrategyOutcome,
} from "./merge-by-strategy.ts";
import {
  inputsOf,
  raiseRun,
  withUnseen,
  type DeviceRun,
  type RaisedRun,
  type Rise,
  type RiseOutcome,
  type RunHistory,
} from "./raise-run.ts";

/** The merge of a run, with all its inputs. */
export interface MergedRun {
  inputs: MergeInputs;
  outcome: MergeOutcome;
  raised: RaisedRun;
  /**
   * True if replaying the run exceeds the limit. The run is left to a person, and `local` is the result up to the
   * limit.
   */
  costly: boolean;
}

/** The reason why a run is left to a person, who can choose the server's document or another one. */
export const RUN_TOO_COSTLY = `Replaying the device's operations would copy more than ${RUN_VALUES_MAX} values, which exceeds the limit`;

/**
 * Replays a device's run on the document that it started from, and merges the outcome with the server's document
 * according to the strategy. Pure: the conflict service and the drain decide alike.
 *
 * If the ancestor is unknown, the run is replayed on the server's document: a patch then changes only the places
 * that it names.
 */
export function mergeRun(
  strategy: ConflictStrategy,
  run: DeviceRun,
  history: RunHistory,
  remote: RemoteDocument,
  policy: MergePolicy = {},
): MergedRun {
  const raised = raiseRun(run, history, policy, (rise) => resolveRise(strategy, rise, policy));
  return mergeRaised(strategy, raised, remote, policy);
}

/**
 * Merges one rise according to the strategy. `client-wins` keeps the document that the device had received, with
 * the device's edits on top.
 */
export function resolveRise(
  strategy: ConflictStrategy,
  { inputs, remote }: Pick<Rise, "inputs" | "remote">,
  policy: MergePolicy,
): RiseOutcome {
  const outcome =
    strategy === "client-wins"
      ? decideByStrategy("merge", inputs, remote, { ...policy, deleteVsEdit: "local-wins" })
      : decideByStrategy(strategy, inputs, remote, policy);
  if (outcome.kind === "commit") return outcome;
  const { proposed: document, overlaps, reason } = outcome;
  return { document, overlaps, twoWay: inputs.ancestor === null, asks: reason };
}

/** Merges a run whose rises are merged with the current document. */
export function mergeRaised(
  strategy: ConflictStrategy,
  given: RaisedRun,
  { times, ...document }: RemoteDocument,
  policy: MergePolicy = {},
): MergedRun {
  let raised = given;
  const isSeen = raised.ancestor !== null && raised.unseen.length === 0;
  // Without an ancestor each place is as new as the document.
  const remote = isSeen && times !== undefined ? { ...document, times } : document;
  if (!isSeen && raised.ancestor === null) raised = withUnseen({ ...raised, local: remote.data }, policy);
  else if (!isSeen) {
    const { document, overlaps, asks } = resolveRise(strategy, { inputs: inputsOf(raised), remote }, policy);
    const overlapsSoFar = [...raised.overlaps, ...overlaps];
    raised = withUnseen({ ...raised, local: document, overlaps: overlapsSoFar }, policy);
    raised = { ...raised, asks: raised.asks ?? asks };
  }
  const inputs = isSeen ? inputsOf(raised) : { ...inputsOf(raised), ancestor: null };
  if (raised.costly) {
    const { overlaps } = raised;
    const outcome: MergeOutcome = { kind: "park", reason: RUN_TOO_COSTLY, proposed: remote.data, overlaps };
    return { inputs, outcome, raised: given, costly: true };
  }
  const outcome = mergeLast(strategy, raised, inputs, remote, policy);
  return { inputs, outcome, raised: given, costly: false };
}

/** The part of a run's rises that the drain needs to merge the run once more. */
export function takenRises(raised: RaisedRun): RisesTaken {
  const { seenVersion, rose, refused, ended, overlaps, twoWay, unseen } = raised;
  const { ancestor, ...inputs } = inputsOf(raised);
  const resumes =
    unseen.length > 0 && ancestor !== null ? { ancestor, ...inputs, unseen: unseen.length } : undefined;
  return { seenVersion, rose, refused, ended, overlaps, twoWay, ...(resumes && { resumes }) };
}

/** Merges a run's two sides with the current document, and combines the outcome with that of its rises. */
export function mergeLast(
  strategy: ConflictStrategy,
  raised: RisesTaken & Pick<RaisedRun, "asks">,
  inputs: MergeInputs,
  remote: RemoteDocument,
  policy: MergePolicy = {},
): MergeOutcome {
  // The document is unchanged since the version that the device received: its later operations meet no other write.
  const isAlone = raised.rose !== null && isAsSeen(raised.rose, inputs, remote);
  const last = isAlone && strategy === "server-wins" ? "client-wins" : strategy;
  const outcome = mergeByStrategy(last, inputs, remote, policy);
  const overlaps = [...raised.overlaps, ...outcome.overlaps];
  if (raised.asks !== undefined) {
    return { kind: "park", reason: raised.asks, proposed: proposedBy(outcome), overlaps };
  }
  if (outcome.kind === "park") return { ...outcome, overlaps };
  const { refused } = raised;
  const twoWay = raised.twoWay || outcome.twoWay;
  const merged = { ...outcome, overlaps, twoWay, refused };
  if (outcome.document !== null || inputs.local !== null || raised.ended === null) return merged;
  const ended = proposedBy(mergeByStrategy(last, { ...inputs, local: raised.ended }, remote, policy));
  return ended === null ? merged : { ...merged, ended };
}

/** The document that a merge commits or proposes. */
export function proposedBy(outcome: StrategyOutcome | MergeOutcome): MergeInputs["local"] {
  return outcome.kind === "park" ? outcome.proposed : outcome.document;
}

function isAsSeen(rose: "live" | "deleted", { ancestor }: MergeInputs, { data }: RemoteDocument): boolean {
  if (rose === "deleted" || data === null) return rose === "deleted" && data === null;
  return ancestor !== null && jsonEqual(ancestor, data);
}
