import {
  CONFLICT_STRATEGIES,
  keepYjsStates,
  mergeByStrategy,
  mergeRaised,
  mergeRun,
  proposedBy,
  raiseRun,
  resolveRise,
  type ConflictStrategy,
  type DecisionChoice,
  type JsonObject,
  type MergeInputs,
  type MergePolicy,
  type Overlap,
  type DeviceId,
} from "@syncline/shared";
import { remoteOf, type ConflictCase } from "./merge-conflict.ts";
import type { OpenConflict } from "./open-conflict.ts";

/** A conflict's record, as far as a person's decision depends on it. */
export interface RecordedConflict extends OpenConflict {
  deviceId: DeviceId;
  /** The workspace's revision of the commit that wrote it last: a decision holds for this one only. */
  revision: number;
  /** What the merge saw, of one that is resolved. */
  ancestorView: JsonObject | null;
  remoteView: JsonObject | null;
  localView: JsonObject | null;
  overlapList: Overlap[] | null;
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
  /** To find out what the device has takes more work than it may. */
  costly: boolean;
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
 * What a choice comes to with the document as it is now. One side is taken whole; the merge keeps what has changed
 * since, and prefers the device's value where both changed one place. That restores what lost in a resolved conflict.
 *
 * The server's side of a rise that is left to a person is the document that the device had received: its operations after
 * that stand.
 *
 * @returns `undefined` where nobody knows any more what that side had
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

/** What the server has, with the operations that the device made after it had received the server's side. */
function serverSide(on: RecordedCase, policy: MergePolicy, whole: JsonObject | null): JsonObject | null {
  const { conflict, history } = on;
  if (conflict.status === "resolved") return whole;
  const { strategy, overlapList } = conflict;
  // A hook may have asked, too: the record says of which rise.
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

/** What each strategy would come to with the document as it is now. */
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
