import type { DocumentChange } from "./devices/device.ts";
import type { FeatureByPath } from "./features.ts";
import { writeField } from "./field-writes.ts";
import type { JsonObject } from "./json.ts";

/** A change of one of the two syncing devices, with the feed's number for it. */
export interface PlacedChange {
  readonly documentId: string;
  readonly change: DocumentChange;
  readonly seq: number;
}

/**
 * Calculates the final documents from the two releases and the edits alone. If only the newer release touched a
 * document, its version counts. An edited document is the older release's with both devices' fields written in the
 * order of the feed, so that the later write wins; a deletion loses to an edit.
 *
 * @returns the documents by path; any other document must be deleted.
 */
export function expectDocuments(
  older: FeatureByPath,
  newer: FeatureByPath,
  newerChanges: readonly PlacedChange[],
  edits: readonly PlacedChange[],
): FeatureByPath {
  const expected = new Map(newer);
  const editsByPath = Map.groupBy(edits, (edit) => edit.documentId);
  const newerByPath = Map.groupBy(newerChanges, (change) => change.documentId);
  for (const [path, own] of editsByPath) {
    const before = older.get(path);
    if (before === undefined) throw new Error(`${path} was edited, but is not in the older release`);
    expected.set(path, writeInOrder(before, [...(newerByPath.get(path) ?? []), ...own]));
  }
  return expected;
}

function writeInOrder(before: JsonObject, changes: readonly PlacedChange[]): JsonObject {
  const document = structuredClone(before);
  // The sort is stable: folded operations keep their device's order.
  for (const { change } of changes.toSorted((left, right) => left.seq - right.seq)) {
    if (change.kind !== "update") continue;
    for (const { keys, value } of change.writes) writeField(document, keys, structuredClone(value));
  }
  return document;
}
