import {
  checkDocuments,
  checkFeedOrder,
  checkReadDocument,
  checkResults,
  lastChangeByPath,
} from "./check.ts";
import { expectDocuments, type PlacedChange } from "./expected.ts";
import type { FeatureByPath } from "./features.ts";
import { readDocument, readFeed, type FeedChange } from "./feed.ts";
import type { Connection } from "./http-client.ts";
import { format } from "./report.ts";
import type { FinishedOperation } from "./run-devices.ts";

/** Each device's operations with their answers, in the device's own order within a document. */
export interface RunOperations {
  readonly imported: readonly FinishedOperation[];
  readonly newer: readonly FinishedOperation[];
  readonly edits: readonly FinishedOperation[];
}

const DOCUMENTS_READ = 200;

/** Reads the run's documents and feed and compares them with the calculated ones: no faults is the proof. */
export async function verifyRun(
  connection: Connection,
  collection: string,
  before: FeatureByPath,
  after: FeatureByPath,
  run: RunOperations,
): Promise<{ faults: string[]; summary: string }> {
  // The collection is new in this run, so the feed has no change of it before the import's first one.
  const firstSeq = run.imported.reduce((least, { result }) => Math.min(least, result.seq ?? least), Infinity);
  const feed = await readFeed(connection, collection, Number.isFinite(firstSeq) ? firstSeq - 1 : 0);
  const lastChanges = lastChangeByPath(feed);
  const expected = expectDocuments(before, after, run.newer.map(placeChange), run.edits.map(placeChange));

  const documentFaults = [
    ...checkDocuments(lastChanges, expected, before),
    ...(await checkSomeReads(connection, collection, lastChanges)),
  ];
  const editedPaths = new Set(run.edits.map((edit) => edit.documentId));
  const leavesNoChange = ({ change, documentId }: FinishedOperation): boolean =>
    change.kind === "delete" && editedPaths.has(documentId);
  const operations = [...run.imported, ...run.newer, ...run.edits];
  const faults = [
    ...documentFaults,
    ...checkFeedOrder(feed),
    ...checkResults(operations, feed, leavesNoChange),
  ];
  const summary =
    faults.length === 0
      ? `Every document is right: ${format(expected.size)} as calculated, ` +
        `${format(lastChanges.size - expected.size)} deleted, ${format(feed.length)} changes in the feed`
      : `${format(faults.length)} faults, ${format(documentFaults.length)} of them in documents`;
  return { faults, summary };
}

function placeChange({ documentId, change, result }: FinishedOperation): PlacedChange {
  return { documentId, change, seq: result.seq ?? 0 };
}

/** Reads some documents by themselves, evenly spread, and compares them with the feed. */
async function checkSomeReads(
  connection: Connection,
  collection: string,
  lastChanges: ReadonlyMap<string, FeedChange>,
): Promise<string[]> {
  const step = Math.max(1, Math.ceil(lastChanges.size / DOCUMENTS_READ));
  const faults: string[] = [];
  for (const change of [...lastChanges.values()].filter((_, index) => index % step === 0)) {
    faults.push(...checkReadDocument(change, await readDocument(connection, collection, change.document_id)));
  }
  return faults;
}
