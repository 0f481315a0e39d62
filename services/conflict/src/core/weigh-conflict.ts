import {
  CONFLICT_STRATEGIES,
  keepYjsStates,
  mergeByStrategy,
  mergeRun,
  type ConflictStrategy,
  type DecisionChoice,
  type JsonObject,
  type MergeInputs,
  type MergePolicy,
  type Overlap,
} from "@syncline/shared";
import type { ConflictCase } from "./merge-conflict.ts";
import type { OpenConflict } from "./open-conflict.ts";

/** A conflict's record, as far as a person's decision depends on it. */
export interface RecordedConflict extends OpenConflict {
  deviceId: string;
  /** The workspace's revision of the commit that wrote it last: a decision holds for this one only. */
  revision: number;
  /** What the merge saw, of one that is resolved. */
  ancestorView: JsonObject | null;
  remoteView: JsonObject | null;
  localView: JsonObject | null;
  /** False of one that is resolved, and whose record is from before the other two views were kept. */
  viewsKept: boolean;
}

export interface RecordedCase extends ConflictCase {
  conflict: RecordedConflict;
}

/** The three documents of a conflict: of a resolved one as the merge saw them, else as they are now. */
export interface Sides {
  inputs: MergeInputs;
  remote: JsonObject | null;
}

/** A document that a conflict could come to. `null` deletes it. */
export interface Option {
  document: JsonObject | null;
  /** Every place that both sides changed. */
  overlaps: Overlap[];
}

/** One that a strategy comes to; `reason` says why it would leave that to a person, and `document` is its proposal. */
export interface StrategyOption extends Option {
  reason: string | null;
}

export function sidesOf({ conflict, remote, historic }: RecordedCase, policy: MergePolicy): Sides {
  if (conflict.status !== "resolved") {
    return { inputs: mergeRun("merge", conflict, historic, remote, policy).inputs, remote: remote.data };
  }
  const { ancestorView: ancestor, localView: local, remoteView } = conflict;
  const localTimestampMs = conflict.operations.at(-1)?.timestampMs ?? null;
  return { inputs: { ancestor, local, localTimestampMs }, remote: remoteView };
}

/**
 * What a choice comes to with the document as it is now. One side is taken whole; the merge keeps what has changed
 * since, and prefers the device's value where both changed one place. That restores what lost in a resolved conflict.
 *
 * @returns `undefined` where nobody knows any more what that side had
 */
export function weighChoice(
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
      return on.conflict.viewsKept ? taken(remote) : undefined;
    case "local":
      return taken(inputs.local);
    case "merged": {
      const { document, overlaps } = weighStrategy("merge", on, policy);
      return { document, overlaps };
    }
    default:
      return choice satisfies never;
  }
}

/** What each strategy would come to with the document as it is now. */
export function weighStrategies(
  on: RecordedCase,
  policy: MergePolicy,
): Record<Exclude<ConflictStrategy, "report">, StrategyOption> {
  const names = CONFLICT_STRATEGIES.filter((strategy) => strategy !== "report");
  const options = names.map((strategy) => [strategy, weighStrategy(strategy, on, policy)] as const);
  return Object.fromEntries(options) as Record<Exclude<ConflictStrategy, "report">, StrategyOption>;
}

function weighStrategy(strategy: ConflictStrategy, on: RecordedCase, policy: MergePolicy): StrategyOption {
  const outcome = mergeByStrategy(strategy, sidesOf(on, policy).inputs, on.remote, policy);
  const { overlaps } = outcome;
  return outcome.kind === "commit"
    ? { document: outcome.document, overlaps, reason: null }
    : { document: outcome.proposed, overlaps, reason: outcome.reason };
}
