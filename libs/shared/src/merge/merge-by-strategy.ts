import type { JsonObject } from "../json/json.ts";
import type { ConflictStrategy } from "../protocol/batch.ts";
import type { MergeInputs, MergeOutcome } from "../protocol/lane-entry.ts";
import { mergeDocument } from "./merge-document.ts";

/** The server's document, as a merge meets it. */
export interface RemoteDocument {
  /** `null` where it is deleted, or absent. */
  data: JsonObject | null;
  /** The clamped timestamp of the operation that wrote it. */
  timestampMs: number | null;
}

/** A merge's outcome, but for the operations that could not be part of it. */
export type StrategyOutcome =
  Omit<Extract<MergeOutcome, { kind: "commit" }>, "refused"> | Extract<MergeOutcome, { kind: "park" }>;

/**
 * Merges a conflict as its strategy says. Pure, so that the conflict service and, in the last round, the drain decide
 * alike.
 *
 * @param inputs - what the device started from and what it wants
 */
export function mergeByStrategy(
  strategy: ConflictStrategy,
  inputs: MergeInputs,
  { data: remote, timestampMs: remoteTimestampMs }: RemoteDocument,
): StrategyOutcome {
  const { ancestor, local, localTimestampMs } = inputs;
  const twoWay = ancestor === null;
  switch (strategy) {
    case "client-wins":
      return { kind: "commit", document: local, overlaps: [], twoWay };
    case "server-wins":
      return { kind: "commit", document: remote, overlaps: [], twoWay };
    case "last-write-wins": {
      const localIsNewer =
        localTimestampMs !== null && remoteTimestampMs !== null && localTimestampMs > remoteTimestampMs;
      const prefer = localIsNewer ? "local" : "remote";
      return { kind: "commit", ...mergeDocument({ ancestor, remote, local }, { prefer }) };
    }
    case "manual": {
      const merged = mergeDocument({ ancestor, remote, local });
      if (merged.overlaps.length === 0) return { kind: "commit", ...merged };
      return {
        kind: "park",
        reason: "Both sides changed the same place, and the policy leaves that to a person",
        proposed: merged.document,
        overlaps: merged.overlaps,
      };
    }
    case "merge":
    case "report":
      return { kind: "commit", ...mergeDocument({ ancestor, remote, local }) };
    default:
      return strategy satisfies never;
  }
}
