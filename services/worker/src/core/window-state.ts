import {
  documentKey,
  type AcceptedOperation,
  type ConflictStrategy,
  type DocumentEdits,
  type HistoricDocument,
  type HookOutcome,
  type JsonObject,
  type LedgerRow,
  type RunHistory,
  type OperationResult,
  type Overlap,
  type Resolution,
  type BatchId,
  type ClientId,
  type CollectionName,
  type ConflictId,
  type DeviceId,
  type DocumentId,
  type Seq,
  type Version,
  type WorkspaceId,
} from "@syncline/shared";

/** A workspace as a drain finds it; one without a commit yet is all zeros. */
export interface WorkspaceState {
  seq: Seq;
  revision: number;
}

/** A document's row: its current state, or its tombstone (`data` is then `null`). */
export interface DocumentState {
  version: Version;
  deleted: boolean;
  data: JsonObject | null;
  /** The device that wrote every change after `runBaseVersion`. */
  writerDeviceId: string;
  runBaseVersion: Version;
  /** The clamped timestamp of the operation that wrote it last. */
  clientTimestampMs: number | null;
}

/** An operation of a device's run behind a conflict, as its row has it. */
export interface HeldRow {
  conflictId: ConflictId;
  place: number;
  clientId: ClientId;
  bytes: number;
  /** The version that it rises to, should it be newer than all before it; `null` if it names none, or one that is unknown. */
  risesTo: number | null;
  /** Only where the resolution needs it: {@link needsContent}. */
  content: AcceptedOperation | null;
}

/**
 * Whether the content of a run is needed to settle it: a last round without an ancestor replays it, and what is refused
 * is kept for another try.
 */
export function needsContent({ isLastRound, inputs, outcome }: Resolution): boolean {
  const refuses = outcome.kind === "commit" && outcome.refused.length > 0;
  return refuses || (isLastRound && inputs.ancestor === null);
}

/** One that this window puts there. */
export interface NewlyHeld {
  batchId: BatchId;
  operation: AcceptedOperation;
}

/**
 * A conflict record, but for its documents. `open`: being merged; `parked`: waits for a person; the others are settled.
 */
export interface ConflictState {
  workspaceId: WorkspaceId;
  conflictId: ConflictId;
  collection: CollectionName;
  documentId: DocumentId;
  deviceId: DeviceId;
  deviceDeclared: boolean;
  status: "open" | "parked" | "reported" | "resolved";
  strategy: ConflictStrategy;
  /** What the collection's hook came to; `due` until it was asked, `null` where none is to be asked. */
  hook: HookOutcome | "due" | null;
  round: number;
  /** The version the device started from; 0: none existed; `null`: unknown. */
  baseVersion: Version | null;
  /** The newest version that the device had received while it made the run; `null`: unknown. */
  seenVersion: number | null;
  /** The document's version when the device collided with it. */
  currentVersion: Version;
  /** How long the device's run is, and about how many bytes of JSON it takes. */
  operationCount: number;
  operationBytes: number;
  /** How long its list of overlaps is. Counted as it is read, where a resolution or a decision names it. */
  overlapCount?: number | null;
  twoWay: boolean | null;
  reason: string | null;
  resolvedVersion: number | null;
  resolvedSeq: number | null;
  /** Of one that was reported: the lane entry that was refused last. A person's decision does not undo that. */
  refusedEntryId: string | null;
  /** The workspace's revision of the commit that wrote it last. */
  revision: number;
  trace: Record<string, string>;
}

/**
 * What else a conflict's record holds: some times the size of the document, and a window may touch many. So none of it is
 * read but what its plan asks for.
 */
export interface ConflictDocuments {
  ancestor: JsonObject | null;
  /** What the device saw when it went on from an operation that was still being merged: the ancestor, then. */
  deviceView: JsonObject | null;
  /** What the merge, or the decision, started from, once it is resolved; `null` where nobody knows. */
  ancestorView: JsonObject | null;
  /** What the server had by then; `null` where there was no document. */
  remoteView: JsonObject | null;
  /** What the device sees after its run; `null` where it deleted the document. */
  localView: JsonObject | null;
  result: JsonObject | null;
  overlapList: Overlap[] | null;
}

/** Everything a window's outcome depends on, read before it is planned. Maps are keyed as in `ids/keys.ts`. */
export interface WindowState {
  epoch: string;
  workspaceById: ReadonlyMap<string, WorkspaceState>;
  /** `null` where there is none: absent from this map means that it was not looked for. */
  documentByKey: ReadonlyMap<string, DocumentState | null>;
  ledgerRowByKey: ReadonlyMap<string, LedgerRow>;
  /** The time in the youngest UUIDv7 that the ledger has forgotten; `null`: none. */
  ledgerDroppedToMs: number | null;
  /** The results of batches that were drained before: an entry that was not removed in time comes again. */
  resultsByBatchId: ReadonlyMap<string, OperationResult[]>;
  /**
   * Of the window's devices on its documents: what is unsettled, what was reported last, and what else was resolved
   * last; and the conflicts that a resolution or a decision names.
   */
  conflicts: readonly ConflictState[];
  /** The runs behind the conflicts that a resolution or a decision names, by conflict id, in order. */
  runByConflictId: ReadonlyMap<string, readonly HeldRow[]>;
  /** Documents as they were, by {@link historyKey}: `null` if nobody knows. Read when asked for. */
  historyByKey: ReadonlyMap<string, Historic>;
}

/** A document as it was, or how it came from one version to another. */
export type Historic = HistoricDocument | RunHistory | DocumentEdits | null;

/** Where to find a document as it was. */
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

/** The changes of a document since a version, as a device saw it that named this version. */
export interface EditsKey {
  workspaceId: WorkspaceId;
  collection: CollectionName;
  documentId: DocumentId;
  since: number;
  /** `null`: as it was, whoever looks. */
  deviceId: DeviceId | null;
  /** The document's version when the device collided with it; `null`: now. */
  seenUntil: number | null;
}

/** A document at a version, as a device saw it: with what it wrote itself right after that. */
export interface VersionKey {
  workspaceId: WorkspaceId;
  collection: CollectionName;
  documentId: DocumentId;
  version: Version;
  /** `null`: as it was, whoever looks. */
  deviceId: DeviceId | null;
}

/** What a resolved conflict's record says that its device saw, or that the merge came to. */
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
