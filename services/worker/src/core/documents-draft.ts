import type { DocumentData } from "@syncline/shared/document";
import type { EditTimes } from "@syncline/shared/merge";
import { WHOLE, type ItemPolicy, type Places } from "@syncline/shared/operations";
import {
  assertInvariant,
  documentKey,
  operationKey,
  type CollectionName,
  type DeviceId,
  type DocumentId,
  type Version,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import { foldChanges, type ChangeDraft, type TimesAt } from "./change-draft.ts";
import type { UndoLog } from "./undo-log.ts";
import type { DocumentState, WindowState } from "./window-state.ts";

/** The state of a document after the window. */
export interface DocumentDraft extends DocumentState {
  workspaceId: WorkspaceId;
  collection: CollectionName;
  documentId: DocumentId;
}

/** The parameters of a write. */
export interface DraftedWrite {
  workspaceId: WorkspaceId;
  collection: CollectionName;
  documentId: DocumentId;
  data: DocumentData | null;
  /** The document that a merged run edited, and then deleted. */
  ended?: DocumentData | null;
  deviceId: DeviceId;
  deviceDeclared: boolean;
  clientTimestampMs: number | null;
  /** Tells an operation's times of its edits, by place. */
  timesAt?: TimesAt | null;
  /** The places that an operation may edit; all if left out. */
  places?: Places;
  /** A merge's times of its edits, by place. */
  editTimes?: EditTimes | null;
  /** The keys and rules by which items of the document's arrays are the same. */
  policy: ItemPolicy;
  unit: string | undefined;
  /** The number of operations that the write contains, by which the version grows. */
  operations: number;
}

/** A device on a document. */
type FoldPlace = Pick<DraftedWrite, "workspaceId" | "deviceId" | "collection" | "documentId">;

/** The documents that a window's operations meet: those read, and on top of them the window's writes so far. */
export class DocumentsDraft {
  /** The window's changes, in order. */
  readonly changes: ChangeDraft[] = [];
  readonly #readByKey: WindowState["documentByKey"];
  readonly #undo: UndoLog;
  readonly #writtenByKey = new Map<string, DocumentDraft>();
  readonly #changesByDocument = new Map<string, ChangeDraft[]>();
  readonly #lastChangeByDocument = new Map<string, ChangeDraft>();
  readonly #lastChangeByDevice = new Map<string, ChangeDraft>();

  constructor({ documentByKey }: Pick<WindowState, "documentByKey">, undo: UndoLog) {
    this.#readByKey = documentByKey;
    this.#undo = undo;
  }

  find(
    workspaceId: WorkspaceId,
    collection: CollectionName,
    documentId: DocumentId,
  ): DocumentState | undefined {
    const key = documentKey(workspaceId, collection, documentId);
    const read = this.#readByKey.get(key);
    assertInvariant(read !== undefined, "a window touches a document that was not read");
    return this.#writtenByKey.get(key) ?? read ?? undefined;
  }

  /** The window's changes of one document, in order, by its {@link documentKey}. */
  changesOf(key: string): readonly ChangeDraft[] {
    return this.#changesByDocument.get(key) ?? [];
  }

  /** The documents that the window has written. */
  get written(): Iterable<DocumentDraft> {
    return this.#writtenByKey.values();
  }

  /**
   * Writes a document's next state. Folds it into the device's previous change if that is invisible: same device,
   * same document, same group, and no other operation of the device in between, so that no operation ever overtakes
   * one that it may depend on. A change has room for one document that a deletion ended, so no write folds past
   * such a deletion.
   */
  write(write: DraftedWrite): { change: ChangeDraft; version: Version } {
    const { workspaceId, collection, documentId, deviceId, data, clientTimestampMs } = write;
    const before = this.find(workspaceId, collection, documentId);
    const next = changeOf(write, before);
    const { version } = next;
    const previous = this.#foldableWith(write);
    if (previous === undefined) this.#append(next);
    else this.#replace(previous, foldChanges(previous, next, write.policy));

    const sameWriter = before?.writerDeviceId === deviceId;
    this.#undo.set(this.#writtenByKey, documentKey(workspaceId, collection, documentId), {
      workspaceId,
      collection,
      documentId,
      version,
      deleted: data === null,
      data,
      writerDeviceId: deviceId,
      runBaseVersion: sameWriter ? before.runBaseVersion : (before?.version ?? 0),
      clientTimestampMs,
    });
    return { change: previous ?? next, version };
  }

  /**
   * Ends the device's fold, and the document's. An operation without a write keeps its place among the device's
   * others, and its answer named a version of the document, which no fold may swallow.
   */
  endFold({ workspaceId, deviceId, collection, documentId }: FoldPlace): void {
    this.#undo.delete(this.#lastChangeByDevice, deviceKey(workspaceId, deviceId));
    this.#undo.delete(this.#lastChangeByDocument, documentKey(workspaceId, collection, documentId));
  }

  /** The change that a write folds into; `undefined` if it is a change of its own. */
  #foldableWith(write: DraftedWrite): ChangeDraft | undefined {
    const previous = this.#lastChangeByDevice.get(deviceKey(write.workspaceId, write.deviceId));
    const folds =
      previous !== undefined &&
      write.deviceDeclared &&
      previous.unit === write.unit &&
      previous.ended === null &&
      this.#lastChangeByDocument.get(keyOf(write)) === previous;
    return folds ? previous : undefined;
  }

  #append(change: ChangeDraft): void {
    const key = keyOf(change);
    const ofDocument = this.#changesByDocument.get(key) ?? [];
    this.#changesByDocument.set(key, ofDocument);
    this.#undo.append(this.changes, change);
    this.#undo.append(ofDocument, change);
    this.#undo.set(this.#lastChangeByDocument, key, change);
    this.#undo.set(this.#lastChangeByDevice, deviceKey(change.workspaceId, change.deviceId), change);
  }

  /** Replaces the content of a change: the ledger's drafts refer to the change itself. */
  #replace(change: ChangeDraft, content: ChangeDraft): void {
    const old = { ...change };
    this.#undo.push(() => Object.assign(change, old));
    Object.assign(change, content);
  }
}

function changeOf(
  {
    operations,
    policy: _,
    timesAt = null,
    places = WHOLE,
    editTimes = null,
    ended = null,
    ...rest
  }: DraftedWrite,
  before: DocumentState | undefined,
): ChangeDraft {
  const version = before?.version ?? 0;
  return {
    ...rest,
    timesAt,
    places,
    editTimes,
    before: before?.data ?? null,
    ended,
    firstVersion: version + 1,
    version: version + operations,
  };
}

function keyOf({ workspaceId, collection, documentId }: Omit<FoldPlace, "deviceId">): string {
  return documentKey(workspaceId, collection, documentId);
}

function deviceKey(workspaceId: WorkspaceId, deviceId: DeviceId): string {
  return operationKey(workspaceId, deviceId, "");
}
