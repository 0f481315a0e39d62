import type { MergePolicy } from "../merge/merge-policy.ts";
import { isNewlyTooLarge, TOO_LARGE } from "../document/document-size.ts";
import type { JsonObject } from "../document/json.ts";
import type { ConflictStrategy } from "../merge/conflict-strategy.ts";
import type { MergeInputs, MergeOutcome } from "../protocol/lane-entry.ts";
import type { EditTimes } from "../merge/edit-times.ts";
import { keepYjsStates } from "../yjs/keep-yjs-states.ts";
import { mergeDocument } from "./merge-document.ts";
import { NESTING_MAX } from "../merge/nesting.ts";
import type { DocumentMerge } from "../merge/merge-three-way.ts";

/** The server's document as the input of a merge. */
export interface RemoteDocument {
  /** `null` if it is deleted or absent. */
  data: JsonObject | null;
  /** The clamped timestamp of the operation that wrote it. */
  timestampMs: number | null;
  /** The newest edit of each place since the ancestor. Without them every place counts as edited at that timestamp. */
  times?: EditTimes;
}

/** A merge's outcome, without the operations that could not be part of it. */
export type StrategyOutcome =
  Omit<Extract<MergeOutcome, { kind: "commit" }>, "refused"> | Extract<MergeOutcome, { kind: "park" }>;

/**
 * Merges a conflict according to its strategy. Pure, so that the conflict service and, in the last round, the drain
 * decide alike. An outcome that is too large to be a document is left to a person.
 *
 * @param inputs - the document that the device started from and the one it wants
 */
export function mergeByStrategy(
  strategy: ConflictStrategy,
  inputs: MergeInputs,
  remote: RemoteDocument,
  policy: MergePolicy = {},
): StrategyOutcome {
  const outcome = decideByStrategy(strategy, inputs, remote, policy);
  if (outcome.kind === "park") return outcome;
  const { document, overlaps } = outcome;
  if (!isNewlyTooLarge(document, remote.data)) return outcome;
  return { kind: "park", reason: TOO_LARGE, proposed: document, overlaps };
}

/** Merges according to the strategy, however large the outcome. Pure. */
export function decideByStrategy(
  strategy: ConflictStrategy,
  inputs: MergeInputs,
  { data: remote, timestampMs, times = { anywhere: timestampMs } }: RemoteDocument,
  policy: MergePolicy,
): StrategyOutcome {
  const { ancestor, local, localTimestampMs, localTimes = { anywhere: localTimestampMs } } = inputs;
  const documents = { ancestor, remote, local };
  const twoWay = ancestor === null;
  switch (strategy) {
    case "client-wins":
      return { kind: "commit", document: keepYjsStates(remote, local, policy), overlaps: [], twoWay };
    case "server-wins":
      return { kind: "commit", document: remote, overlaps: [], twoWay };
    case "last-write-wins":
      return commitOrPark(
        mergeDocument(documents, { ...policy, times: { remote: times, local: localTimes } }),
      );
    case "manual": {
      const merged = mergeDocument(documents, policy);
      if (merged.overlaps.length === 0 || merged.error) return commitOrPark(merged);
      return park(merged, "Both sides changed the same place, and the policy leaves that to a person");
    }
    case "merge":
    case "report":
      return commitOrPark(mergeDocument(documents, policy));
    default:
      return strategy satisfies never;
  }
}

function commitOrPark(merged: DocumentMerge): StrategyOutcome {
  if (merged.error) {
    return park(merged, `The documents nest deeper than ${NESTING_MAX} levels and cannot be merged`);
  }
  if (merged.undecided) {
    return park(
      merged,
      "One side deleted a value that the other edited, and the policy leaves that to a person",
    );
  }
  const { document, overlaps, twoWay } = merged;
  return { kind: "commit", document, overlaps, twoWay };
}

function park({ document, overlaps }: DocumentMerge, reason: string): StrategyOutcome {
  return { kind: "park", reason, proposed: document, overlaps };
}
