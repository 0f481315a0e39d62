import type { JsonObject } from "@syncline/shared/document";
import {
  CONFLICT_STRATEGIES,
  type ConflictStrategy,
  type MergePolicy,
  type Overlap,
} from "@syncline/shared/merge";
import {
  mergeByStrategy,
  mergeRaised,
  mergeRun,
  proposedBy,
  raiseRun,
  resolveRise,
} from "@syncline/shared/operations";
import type { DecisionChoice, MergeInputs, DeviceId } from "@syncline/shared/protocol";
import { keepYjsStates } from "@syncline/shared/yjs";
import { remoteOf, type ConflictCase } from "./merge-conflict.ts";
import type { OpenConflict } from "./open-conflict.ts";

/** The part of a conflict record that a person's decision depends on. */
export interface RecordedConflict extends OpenConflict {
  deviceId: DeviceId;
  /** The workspace's revision at the commit that last wrote the record; a decision is valid for this revision only. */
  revision: number;
  /** The documents that the merge of a resolved conflict saw. */
  ancestorView: JsonObject | null;
  remoteView: JsonObject | null;
  localView: JsonObject | null;
  overlapList: Overlap[] | null;
  /** False for a resolved conflict whose record was written before the other two views were kept. */
  viewsKept: boolean;
}

export interface RecordedCase extends ConflictCase {
  conflict: RecordedConflict;
}

/** The three documents of a conflict: as the merge saw them if it is resolved, otherwise the current ones. */
export interface Sides {
  inputs: MergeInputs;
  remote: JsonObject | null;
  /** True if computing the device's document exceeds the cost limit. */
  costly: boolean;
}

/** A possible result of a conflict. `null` deletes the document. */
export interface Option {
  document: JsonObject | null;
  /** Every path that both sides changed. */
  overlaps: Overlap[];
}

/**
 * The result of a strategy. If the strategy leaves the conflict to a person, `reason` says why and `document` is its
 * proposal.
 */
export interface StrategyOption extends Option {
  reason: string | null;
}

export function sidesOf({ conflict, remote, history }: RecordedCase, policy: MergePolicy): Sides {
  if (conflict.status !== "resolved") {
    const { inputs, costly } = mergeRun("merge", conflict, history, remote, policy);
    return { inputs, remote: remote.data, costly };
  }
  const { ancestorView: ancestor, localView: local, remoteView } = conflict;
  const localTimestampMs = conflict.operations.at(-1)?.timestampMs ?? null;
  return { inputs: { ancestor, local, localTimestampMs }, remote: remoteView, costly: false };
}

/**
 * Previews a choice on the current document. `server` and `local` take one side whole; `merged` keeps later changes and
 * prefers the device's value at paths that both sides changed. This restores the losing values of a resolved conflict.
 *
 * If a rise is left to a person, the server's side is the document that the device had received, with the device's
 * later operations.
 *
 * @returns `undefined` if that side is no longer known
 */
export function previewChoice(
  choice: Exclude<DecisionChoice, "data">,
  on: RecordedCase,
  policy: MergePolicy,
): Option | undefined {
  const { inputs, remote } = sidesOf(on, policy);
  const taken = (document: JsonObject | null) => ({
    document: keepYjsStates(on.remote.data, document, policy),
    overlaps: [],
  });
  switch (choice) {
    case "server":
      return on.conflict.viewsKept ? taken(serverSide(on, policy, remote)) : undefined;
    case "local":
      return taken(inputs.local);
    case "merged": {
      const { document, overlaps } = previewStrategy("merge", on, policy);
      return { document, overlaps };
    }
    default:
      return choice satisfies never;
  }
}

/** Returns the server's document, with the operations that the device made after receiving the server's side. */
function serverSide(on: RecordedCase, policy: MergePolicy, whole: JsonObject | null): JsonObject | null {
  const { conflict, history } = on;
  if (conflict.status === "resolved") return whole;
  const { strategy, overlapList } = conflict;
  // A hook may have asked a person about a rise; the record names its version.
  const asked = new Set(overlapList?.map(({ undecided, version }) => undecided && version));
  let isAsked = false;
  const raised = raiseRun(conflict, history, policy, (rise) => {
    const settled = resolveRise(strategy, rise, policy);
    if (settled.asks === undefined && !asked.has(rise.version)) return settled;
    isAsked = true;
    return resolveRise("server-wins", rise, policy);
  });
  if (!isAsked) return whole;
  const { outcome } = mergeRaised(strategy, raised, remoteOf(on, policy), policy);
  return outcome.kind === "park" ? whole : outcome.document;
}

/** Previews each strategy on the current document. */
export function previewStrategies(
  on: RecordedCase,
  policy: MergePolicy,
): Record<Exclude<ConflictStrategy, "report">, StrategyOption> {
  const names = CONFLICT_STRATEGIES.filter((strategy) => strategy !== "report");
  const options = names.map((strategy) => [strategy, previewStrategy(strategy, on, policy)] as const);
  return Object.fromEntries(options) as Record<Exclude<ConflictStrategy, "report">, StrategyOption>;
}

function previewStrategy(strategy: ConflictStrategy, on: RecordedCase, policy: MergePolicy): StrategyOption {
  const { conflict, history } = on;
  const remote = remoteOf(on, policy);
  const outcome =
    conflict.status === "resolved"
      ? mergeByStrategy(strategy, sidesOf(on, policy).inputs, remote, policy)
      : mergeRun(strategy, conflict, history, remote, policy).outcome;
  const { overlaps } = outcome;
  return {
    document: proposedBy(outcome),
    overlaps,
    reason: outcome.kind === "park" ? outcome.reason : null,
  };
}
