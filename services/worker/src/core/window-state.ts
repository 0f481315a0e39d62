import type { DocumentData, JsonObject } from "@syncline/shared/document";
import type { ConflictStrategy, Overlap } from "@syncline/shared/merge";
import type { DocumentEdits, HistoricDocument, RunHistory } from "@syncline/shared/operations";
import {
  documentKey,
  type AcceptedOperation,
  type HookOutcome,
  type LedgerRow,
  type OperationResult,
  type Resolution,
  type BatchId,
  type ClientId,
  type CollectionName,
  type ConflictId,
  type ConflictStatus,
  type DeviceId,
  type DocumentId,
  type Seq,
  type Version,
  type WorkspaceId,
} from "@syncline/shared/protocol";

/** A workspace's state as read; all zeros if it has no commit yet. */
export interface WorkspaceState {
  seq: Seq;
  revision: number;
}

/** A document's row: its current state, or its tombstone (`data` is then `null`). */
export interface DocumentState {
  version: Version;
  deleted: boolean;
  data: DocumentData | null;
  /** The device that wrote every change after `runBaseVersion`. */
  writerDeviceId: string;
  runBaseVersion: Version;
  /** The clamped timestamp of the operation that wrote it last. */
  clientTimestampMs: number | null;
}

/** A stored operation of a device's run behind a conflict. */
export interface HeldRow {
  conflictId: ConflictId;
  place: number;
  clientId: ClientId;
  bytes: number;
  /** The version that it rises to, if it is newer than all before it; `null` if it names none, or an unknown one. */
  risesTo: number | null;
  /** Set only if the resolution needs it: {@link needsContent}. */
  content: AcceptedOperation | null;
}

/**
 * Reports whether resolving needs the content of a run: a last round without an ancestor replays it, and refused
 * operations are kept for another try.
 */
export function needsContent({ isLastRound, inputs, outcome }: Resolution): boolean {
  const refuses = outcome.kind === "commit" && outcome.refused.length > 0;
  return refuses || (isLastRound && inputs.ancestor === null);
}

/** An operation that this window holds. */
export interface NewlyHeld {
  batchId: BatchId;
  operation: AcceptedOperation;
}

/**
 * A conflict record without its documents. `open`: being merged; `parked`: waits for a person; `reported` and
 * `resolved`: completed.
 */
export interface ConflictState {
  workspaceId: WorkspaceId;
  conflictId: ConflictId;
  collection: CollectionName;
  documentId: DocumentId;
  deviceId: DeviceId;
  deviceDeclared: boolean;
  status: ConflictStatus;
  strategy: ConflictStrategy;
  /** The outcome of the collection's hook; `due` until it was called, `null` if none is to be called. */
  hook: HookOutcome | "due" | null;
  round: number;
  /** The version that the device started from; 0: none existed; `null`: unknown. */
  baseVersion: Version | null;
  /** The newest version that the device had received while it made the run; `null`: unknown. */
  seenVersion: number | null;
  /** The document's version when the device collided with it. */
  currentVersion: Version;
  /** The length of the device's run, and its approximate size in bytes of JSON. */
  operationCount: number;
  operationBytes: number;
  /** The number of overlaps. Counted when read, if a resolution or a decision names the conflict. */
  overlapCount?: number | null;
  twoWay: boolean | null;
  reason: string | null;
  resolvedVersion: number | null;
  resolvedSeq: number | null;
  /** Set for a reported conflict: the lane entry that was refused last. A person's decision does not reset it. */
  refusedEntryId: string | null;
  /** The workspace's revision of the commit that wrote it last. */
  revision: number;
  trace: Record<string, string>;
}

/**
 * The documents of a conflict's record. They may be several times the size of the document, and a window may touch
 * many records, so a plan reads only those that it needs.
 */
export interface ConflictDocuments {
  ancestor: JsonObject | null;
  /**
   * The document that the device saw when it continued from an operation that was still being merged: the ancestor
   * in that case.
   */
  deviceView: JsonObject | null;
  /** The ancestor of the merge, or of the decision, once resolved; `null` if unknown. */
  ancestorView: JsonObject | null;
  /** The server's document at that time; `null` if there was none. */
  remoteView: JsonObject | null;
  /** The device's document after its run; `null` if it deleted the document. */
  localView: JsonObject | null;
  result: JsonObject | null;
  overlapList: Overlap[] | null;
}

/** Everything a window's outcome depends on, read before it is planned. Maps are keyed as in `ids/keys.ts`. */
export interface WindowState {
  epoch: string;
  workspaceById: ReadonlyMap<string, WorkspaceState>;
  /** `null` if there is no document. A missing key means that the document was not read. */
  documentByKey: ReadonlyMap<string, DocumentState | null>;
  ledgerRowByKey: ReadonlyMap<string, LedgerRow>;
  /** The time in the youngest UUIDv7 that the ledger has dropped; `null`: none. */
  ledgerDroppedToMs: number | null;
  /** The results of batches that were drained before: an entry that was not removed in time comes again. */
  resultsByBatchId: ReadonlyMap<string, OperationResult[]>;
  /**
   * The conflicts of the window's devices on its documents: unresolved, last reported and otherwise last resolved
   * ones; and those that a resolution or a decision names.
   */
  conflicts: readonly ConflictState[];
  /** The runs behind the conflicts that a resolution or a decision names, by conflict id, in order. */
  runByConflictId: ReadonlyMap<string, readonly HeldRow[]>;
  /** Documents as they were, by {@link historyKey}; `null` if unknown. Read on request. */
  historyByKey: ReadonlyMap<string, Historic>;
}

/** A document as it was, or its changes from one version to another. */
export type Historic = HistoricDocument | RunHistory | DocumentEdits | null;

/** The key of a document as it was. */
export type HistoryKey = VersionKey | ViewKey | RiseKey | EditsKey;

/** The changes of a document from one version to a later one, for a device that has received both. */
export interface RiseKey {
  workspaceId: WorkspaceId;
  collection: CollectionName;
  documentId: DocumentId;
  deviceId: DeviceId;
  from: number;
  to: number;
}

/** The changes of a document since a version, as seen by a device that names this version. */
export interface EditsKey {
  workspaceId: WorkspaceId;
  collection: CollectionName;
  documentId: DocumentId;
  since: number;
  /** `null`: as it was, independent of a device. */
  deviceId: DeviceId | null;
  /** The document's version when the device collided with it; `null`: now. */
  seenUntil: number | null;
}

/** A document at a version as seen by a device: with the device's own changes right after it. */
export interface VersionKey {
  workspaceId: WorkspaceId;
  collection: CollectionName;
  documentId: DocumentId;
  version: Version;
  /** `null`: as it was, independent of a device. */
  deviceId: DeviceId | null;
}

/** A resolved conflict's document as seen by its device. */
export interface ViewKey {
  workspaceId: WorkspaceId;
  conflictId: ConflictId;
  view: "localView";
}

export function historyKey(place: HistoryKey): string {
  if ("view" in place) return JSON.stringify([place.workspaceId, place.conflictId, place.view]);
  const { workspaceId, collection, documentId, deviceId } = place;
  const key = documentKey(workspaceId, collection, documentId);
  if ("since" in place) return `${key}@${JSON.stringify([place.since, deviceId, place.seenUntil])}`;
  if ("from" in place) return `${key}@${place.from}-${place.to} ${JSON.stringify(deviceId)}`;
  return `${key}@${place.version} ${JSON.stringify(deviceId)}`;
}
