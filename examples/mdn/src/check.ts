import { isDeepStrictEqual } from "node:util";
import type { FeatureByPath } from "./features.ts";
import type { FeedChange } from "./feed.ts";
import { diffFields, readField } from "./field-writes.ts";
import type { JsonObject } from "./json.ts";
import type { FinishedOperation } from "./run-devices.ts";

/** The last change of each document in the feed. */
export function lastChangeByPath(feed: readonly FeedChange[]): Map<string, FeedChange> {
  return new Map(feed.map((change) => [change.document_id, change]));
}

/** Checks that the feed ascends: seqs over all documents, versions within one. */
export function checkFeedOrder(feed: readonly FeedChange[]): string[] {
  const versionByPath = new Map<string, number>();
  return feed.flatMap((change, index) => {
    const faults: string[] = [];
    const seqBefore = feed[index - 1]?.seq ?? 0;
    const versionBefore = versionByPath.get(change.document_id) ?? 0;
    if (change.seq <= seqBefore) faults.push(`the feed shows seq ${change.seq} after ${seqBefore}`);
    if (change.version <= versionBefore) {
      faults.push(`${change.document_id}: version ${change.version} follows ${versionBefore}`);
    }
    versionByPath.set(change.document_id, change.version);
    return faults;
  });
}

/**
 * Checks that each operation succeeded, and that the feed's change at its `seq` is that device's on that document. The
 * exception is a deletion that loses to an edit: it succeeds without a change.
 */
export function checkResults(
  operations: readonly FinishedOperation[],
  feed: readonly FeedChange[],
  leavesNoChange: (operation: FinishedOperation) => boolean,
): string[] {
  const changeBySeq = new Map(feed.map((change) => [change.seq, change]));
  return operations.flatMap((operation) => {
    const { result, documentId, deviceId } = operation;
    const name = `${operation.clientId} on ${documentId}`;
    if (result.status !== "success" || result.seq === undefined || result.version === undefined) {
      return [`${name} ended as ${result.status}: ${result.error ?? JSON.stringify(result)}`];
    }
    if (leavesNoChange(operation)) return [];
    const change = changeBySeq.get(result.seq);
    if (change?.document_id !== documentId || change.device_id !== deviceId) {
      return [`${name} was answered with seq ${result.seq}, but the feed shows ${describe(change)}`];
    }
    return result.version > change.version
      ? [`${name} was answered with version ${result.version}, but the feed shows ${change.version}`]
      : [];
  });
}

/** Checks the documents against the calculated ones, including for missing and surplus documents. */
export function checkDocuments(
  lastChanges: ReadonlyMap<string, FeedChange>,
  expected: FeatureByPath,
  imported: FeatureByPath,
): string[] {
  const paths = new Set([...imported.keys(), ...expected.keys(), ...lastChanges.keys()]);
  return [...paths].flatMap((path) => {
    const change = lastChanges.get(path);
    const wanted = expected.get(path);
    if (change === undefined) return [`${path} is missing from the feed`];
    if (wanted === undefined) return change.deleted ? [] : [`${path} exists, but should not`];
    if (change.deleted) return [`${path} is deleted, but should exist`];
    return isDeepStrictEqual(change.data, wanted)
      ? []
      : [`${path} differs: ${describeDifference(change.data ?? {}, wanted)}`];
  });
}

/** Checks that a document read by itself equals its last state in the feed. */
export function checkReadDocument(
  change: FeedChange,
  read: { version: number; data: unknown } | undefined,
): string[] {
  const path = change.document_id;
  if (read === undefined) return change.deleted ? [] : [`${path} is in the feed, but its read is 404`];
  if (change.deleted) return [`${path} is deleted in the feed, but can be read`];
  if (read.version !== change.version)
    return [`${path} has version ${read.version} when read, but ${change.version} in the feed`];
  return isDeepStrictEqual(read.data, change.data) ? [] : [`${path} differs between its read and the feed`];
}

function describe(change: FeedChange | undefined): string {
  return change === undefined ? "nothing" : `${change.document_id} by ${change.device_id}`;
}

function describeDifference(is: JsonObject, wanted: JsonObject): string {
  return diffFields(wanted, is)
    .map(({ keys, value }) => {
      const expected = JSON.stringify(readField(wanted, keys));
      return `${keys.join(".")} is ${JSON.stringify(value)}, expected ${expected}`;
    })
    .join("; ");
}
