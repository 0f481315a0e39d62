import {
  deviceDocumentKey,
  documentKey,
  type AcceptedBatch,
  type AcceptedOperation,
  type ConflictId,
  type Resolution,
  type StoredEntry,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import { needsContent } from "./window-state.ts";

/** An operation with the batch that it came in. */
export interface BatchedOperation {
  batch: AcceptedBatch;
  operation: AcceptedOperation;
}

export type DocumentPlace = Pick<Resolution, "workspaceId" | "collection" | "documentId">;

/** A conflict that a resolution or a decision names. */
export interface NamedConflict {
  workspaceId: WorkspaceId;
  conflictId: ConflictId;
  /** True if the content of its run is needed. */
  whole: boolean;
}

/** The keys of all state that a window depends on. */
export interface WindowKeys {
  workspaceIds: WorkspaceId[];
  batches: AcceptedBatch[];
  operations: BatchedOperation[];
  /** Each document once: a window may hold thousands of operations on one, and a document megabytes. */
  documents: DocumentPlace[];
  /** One operation for each device on each document. */
  deviceDocuments: BatchedOperation[];
  conflicts: NamedConflict[];
}

export function keysOf(entries: readonly StoredEntry[]): WindowKeys {
  const batches = entries.flatMap(({ entry }) => (entry.kind === "batch" ? [entry.batch] : []));
  const resolutions = entries.flatMap(({ entry }) => (entry.kind === "resolution" ? [entry.resolution] : []));
  const operations = batches.flatMap((batch) => batch.operations.map((operation) => ({ batch, operation })));
  return {
    workspaceIds: [...new Set([...batches, ...resolutions].map(({ workspaceId }) => workspaceId))],
    batches,
    operations,
    documents: uniqueBy([...operations.map(placeOf), ...resolutions], ({ workspaceId, ...place }) =>
      documentKey(workspaceId, place.collection, place.documentId),
    ),
    deviceDocuments: uniqueBy(operations, ({ batch, operation }) =>
      deviceDocumentKey(
        batch.deviceId,
        documentKey(batch.workspaceId, operation.collection, operation.documentId),
      ),
    ),
    conflicts: namedConflicts(operations, resolutions),
  };
}

/** The documents that a window's entries name, with repetitions. */
export function documentsNamedBy(entries: readonly StoredEntry[]): DocumentPlace[] {
  return entries.flatMap(({ entry }) =>
    entry.kind === "resolution"
      ? [entry.resolution]
      : entry.batch.operations.map((operation) => placeOf({ batch: entry.batch, operation })),
  );
}

function placeOf({ batch: { workspaceId }, operation }: BatchedOperation): DocumentPlace {
  return { workspaceId, collection: operation.collection, documentId: operation.documentId };
}

/** A conflict may have several resolutions in a window: those of earlier rounds, committed but not yet removed. */
function namedConflicts(
  operations: readonly BatchedOperation[],
  resolutions: readonly Resolution[],
): NamedConflict[] {
  const named = [
    ...resolutions.map((resolution) => ({ ...resolution, whole: needsContent(resolution) })),
    ...operations.flatMap(({ batch: { workspaceId }, operation: { decision } }) =>
      decision === undefined ? [] : [{ workspaceId, conflictId: decision.conflictId, whole: false }],
    ),
  ];
  return [...Map.groupBy(named, ({ conflictId }) => conflictId).values()].flatMap((of) => {
    const [first] = of;
    if (first === undefined) return [];
    const { workspaceId, conflictId } = first;
    return [{ workspaceId, conflictId, whole: of.some(({ whole }) => whole) }];
  });
}

function uniqueBy<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}
