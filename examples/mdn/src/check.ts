import { isDeepStrictEqual } from "node:util";
import type { FeatureByPath } from "./features.ts";
import type { FeedChange } from "./feed.ts";
import { diffFields, readField } from "./field-writes.ts";
import type { JsonObject } from "./json.ts";
import type { FinishedOperation } from "./run-devices.ts";

/** What the feed says each document is in the end. */
export function lastChangeByPath(feed: readonly FeedChange[]): Map<string, FeedChange> {
  return new Map(feed.map((change) => [change.document_id, change]));
}

/** The feed must go up: its numbers over all documents, the versions within one. */
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
 * Each operation must have succeeded, and the change its answer names must be that device's on that document. A
 * deletion that gave way to an edit is the exception: it succeeds without a change.
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
      return [`${name} was answered with seq ${result.seq}, where the feed shows ${describe(change)}`];
    }
    return result.version > change.version
      ? [`${name} was answered with version ${result.version}, the feed shows ${change.version}`]
      : [];
  });
}

/** Every document must be what the calculation says, none may be missing and none may be there besides. */
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
    if (wanted === undefined) return change.deleted ? [] : [`${path} is there, but should not be`];
    if (change.deleted) return [`${path} is deleted, but should be there`];
    return isDeepStrictEqual(change.data, wanted)
      ? []
      : [`${path} differs: ${describeDifference(change.data ?? {}, wanted)}`];
  });
}

/** A document read by itself must be what the feed showed last. */
export function checkReadDocument(
  change: FeedChange,
  read: { version: number; data: unknown } | undefined,
): string[] {
  const path = change.document_id;
  if (read === undefined) return change.deleted ? [] : [`${path} is in the feed, but reads as not found`];
  if (change.deleted) return [`${path} is deleted in the feed, but can be read`];
  if (read.version !== change.version)
    return [`${path} reads as version ${read.version}, not ${change.version}`];
  return isDeepStrictEqual(read.data, change.data)
    ? []
    : [`${path} reads differently than the feed shows it`];
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
