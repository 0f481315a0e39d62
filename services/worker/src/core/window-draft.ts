import type { DocumentData, JsonObject } from "@syncline/shared/document";
import {
  joinTimes,
  timesOfEdit,
  type DocumentEdits,
  type EditTime,
  type EditTimes,
  type ItemPolicy,
} from "@syncline/shared/merge";
import { NO_HISTORY, type HistoricDocument, type RunHistory } from "@syncline/shared/operations";
import {
  assertInvariant,
  deviceDocumentKey,
  documentKey,
  isEntryBefore,
  operationKey,
  type ClientId,
  type CollectionName,
  type ConflictId,
  type DeviceId,
  type DocumentId,
  type Version,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import type { ConflictWrite, DecisionWrite, LedgerWrite } from "./window-plan.ts";
import {
  historyKey,
  type DocumentState,
  type EditsKey,
  type HeldRow,
  type HistoryKey,
  type NewlyHeld,
  type RiseKey,
  type VersionKey,
  type ViewKey,
  type WindowState,
} from "./window-state.ts";

type TimesAt = (time: EditTime) => EditTimes;

/** A change being planned: its seq is known once the whole window is planned. */
export interface ChangeDraft {
  workspaceId: WorkspaceId;
  collection: CollectionName;
  documentId: DocumentId;
  firstVersion: number;
  version: Version;
  data: DocumentData | null;
  /** The document that a deletion ended, if no other change contains it. */
  ended: DocumentData | null;
  deviceId: DeviceId;
  deviceDeclared: boolean;
  clientTimestampMs: number | null;
  /** The times of its edits, by place; `null`: all that differ from {@link before}, at {@link clientTimestampMs}. */
  editTimes: EditTimes | null;
  /** Tells the times of its edits, by place, if it contains one operation that was no merge. */
  timesAt: TimesAt | null;
  /** The document before the change. */
  before: DocumentData | null;
  /** The group it belongs to: a fold never crosses a group's edge. */
  unit: string | undefined;
}

/** A ledger row being planned. `change` contains the operation; `null` if it wrote no change. */
export interface LedgerDraft {
  row: LedgerWrite;
  change: ChangeDraft | null;
}

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

/** An operation of a device's run behind a conflict: a stored row, or a new one. */
export type Held = HeldRow | NewlyHeld;

/** A device's run behind a conflict. */
export interface RunDraft {
  /** The number of stored rows before those in `held`: adding to a run does not require reading it. */
  unread: number;
  held: Held[];
}

/**
 * The state that a window's operations meet in turn: the state read, and on top of it the window's decisions so
 * far. Everything added after the last {@link mark} can be undone, so that a failing group leaves no trace.
 */
export class WindowDraft {
  readonly changes: ChangeDraft[] = [];
  /** People's decisions. They are never in a group, so never undone. */
  readonly decisions: Omit<DecisionWrite, "revision">[] = [];
  /** The rounds of each completed merge, which is in no group either. */
  readonly roundsTaken: number[] = [];
  readonly missingHistory = new Map<string, HistoryKey>();
  readonly #state: WindowState;
  readonly #documentByKey = new Map<string, DocumentDraft>();
  readonly #ledgerByKey = new Map<string, LedgerDraft>();
  readonly #conflictById = new Map<string, ConflictWrite>();
  readonly #touchedConflictIds = new Set<string>();
  readonly #runByConflictId = new Map<string, RunDraft>();
  readonly #unsettledIdByDeviceDocument = new Map<string, string>();
  readonly #reportedIdByDeviceDocument = new Map<string, string>();
  readonly #resolvedIdByDeviceDocument = new Map<string, string>();
  readonly #changesByDocument = new Map<string, ChangeDraft[]>();
  readonly #lastChangeByDocument = new Map<string, ChangeDraft>();
  readonly #lastChangeByDevice = new Map<string, ChangeDraft>();
  readonly #undo: (() => void)[] = [];

  constructor(state: WindowState) {
    this.#state = state;
    for (const conflict of state.conflicts) {
      this.#indexConflict(conflict);
      const rows = state.runByConflictId.get(conflict.conflictId);
      const run: RunDraft =
        rows === undefined ? { unread: conflict.operationCount, held: [] } : { unread: 0, held: [...rows] };
      this.#runByConflictId.set(conflict.conflictId, run);
    }
  }

  document(
    workspaceId: WorkspaceId,
    collection: CollectionName,
    documentId: DocumentId,
  ): DocumentState | undefined {
    const key = documentKey(workspaceId, collection, documentId);
    const read = this.#state.documentByKey.get(key);
    assertInvariant(read !== undefined, "a window touches a document that was not read");
    return this.#documentByKey.get(key) ?? read ?? undefined;
  }

  /**
   * A document as a device that names a version saw it; for a tombstone, the document that it ended. `null` if
   * unknown, and if it has to be read first, which is then noted in {@link missingHistory}.
   */
  historic(place: VersionKey): HistoricDocument | null {
    const { workspaceId, collection, documentId } = place;
    const key = documentKey(workspaceId, collection, documentId);
    if (place.version <= 0) return null;
    const read = this.#state.documentByKey.get(key);
    const written = this.#changesByDocument.get(key) ?? [];
    const version = lastOwnVersion(place, read, written);
    if (version > (read?.version ?? 0)) {
      const change = written.find((one) => one.version >= version);
      if (change === undefined) return null;
      if (change.data !== null) return { data: change.data.value, deleted: false };
      if (change.ended !== null) return { data: change.ended.value, deleted: true };
      const before = this.historic({ ...place, version: change.firstVersion - 1, deviceId: null });
      return before && { ...before, deleted: true };
    }
    if (version === read?.version && read.data !== null) return { data: read.data.value, deleted: false };
    const seen = { ...place, version };
    const known = this.#state.historyByKey.get(historyKey(seen));
    if (known === undefined) this.#set(this.missingHistory, historyKey(seen), seen);
    return known && "data" in known ? known : null;
  }

  /**
   * The changes of a document since a version, including this window's. If they have to be read first, that is
   * noted in {@link missingHistory}.
   */
  editsSince(place: EditsKey): DocumentEdits {
    const key = documentKey(place.workspaceId, place.collection, place.documentId);
    const known = this.#state.historyByKey.get(historyKey(place));
    if (known === undefined) this.#set(this.missingHistory, historyKey(place), place);
    const { seenVersion, changes } =
      known && "seenVersion" in known ? known : { seenVersion: place.since, changes: [] };
    const written = this.changes
      .filter((one) => documentKey(one.workspaceId, one.collection, one.documentId) === key)
      .map(({ firstVersion, version, data, editTimes, clientTimestampMs: timestampMs, ...by }) => ({
        firstVersion,
        version,
        data: data?.value ?? null,
        editTimes,
        timestampMs,
        leftOut: false,
        own: by.deviceDeclared && by.deviceId === place.deviceId,
      }));
    const all = [...changes, ...written];
    const holding = all.find(
      ({ firstVersion, version }) => firstVersion <= place.since && place.since <= version,
    );
    return { seenVersion: Math.max(seenVersion, holding?.version ?? 0), changes: all };
  }

  /**
   * The changes of a document from one version to a later one that its device has received, including this
   * window's. If they have to be read first, that is noted in {@link missingHistory}.
   */
  riseOf(place: RiseKey): RunHistory {
    const key = documentKey(place.workspaceId, place.collection, place.documentId);
    const known = this.#state.historyByKey.get(historyKey(place));
    if (known === undefined) this.#set(this.missingHistory, historyKey(place), place);
    const { changes, lastOwnVersion } = known && "lastOwnVersion" in known ? known : NO_HISTORY;
    const written = this.changes
      .filter((one) => documentKey(one.workspaceId, one.collection, one.documentId) === key)
      .map(({ firstVersion, version, data, ended, clientTimestampMs: timestampMs, ...by }) => ({
        firstVersion,
        version,
        timestampMs,
        data: (data ?? ended)?.value ?? {},
        deleted: data === null,
        own: by.deviceDeclared && by.deviceId === place.deviceId,
      }));
    const last = written.findLast(({ own }) => own)?.version ?? lastOwnVersion;
    return { changes: [...changes, ...written], lastOwnVersion: last };
  }

  /**
   * Writes a document's next state. Folds it into the device's previous change if that is invisible: same device,
   * same document, same group, and no other operation of the device in between, so that no operation ever overtakes
   * one that it may depend on. A change has room for one document that a deletion ended, so no write folds past
   * such a deletion.
   */
  write(write: DraftedWrite): { change: ChangeDraft; version: Version } {
    const key = documentKey(write.workspaceId, write.collection, write.documentId);
    const deviceKey = operationKey(write.workspaceId, write.deviceId, "");
    const before = this.document(write.workspaceId, write.collection, write.documentId);
    const version = (before?.version ?? 0) + write.operations;
    const { operations: _, policy, timesAt = null, editTimes = null, ended = null, ...rest } = write;
    const change: ChangeDraft = {
      ...rest,
      timesAt,
      editTimes,
      before: before?.data ?? null,
      ended,
      firstVersion: (before?.version ?? 0) + 1,
      version,
    };

    const previous = this.#lastChangeByDevice.get(deviceKey);
    const folds =
      previous !== undefined &&
      write.deviceDeclared &&
      previous.unit === write.unit &&
      previous.ended === null &&
      this.#lastChangeByDocument.get(key) === previous;
    let held = change;
    if (folds) {
      const old = { ...previous };
      const ended = change.data === null ? previous.data : null;
      const joined = timesOfFold(previous, change, policy);
      Object.assign(previous, change, {
        firstVersion: previous.firstVersion,
        ended,
        timesAt: null,
        before: previous.before,
        editTimes: joined,
      });
      this.#undo.push(() => Object.assign(previous, old));
      held = previous;
    } else {
      this.changes.push(change);
      const ofDocument = this.#changesByDocument.get(key) ?? [];
      ofDocument.push(change);
      this.#changesByDocument.set(key, ofDocument);
      this.#undo.push(() => {
        this.changes.pop();
        ofDocument.pop();
      });
      this.#set(this.#lastChangeByDocument, key, change);
      this.#set(this.#lastChangeByDevice, deviceKey, change);
    }
    const sameWriter = before?.writerDeviceId === write.deviceId;
    this.#set(this.#documentByKey, key, {
      workspaceId: write.workspaceId,
      collection: write.collection,
      documentId: write.documentId,
      version,
      deleted: write.data === null,
      data: write.data,
      writerDeviceId: write.deviceId,
      runBaseVersion: sameWriter ? before.runBaseVersion : (before?.version ?? 0),
      clientTimestampMs: write.clientTimestampMs,
    });
    return { change: held, version };
  }

  /**
   * Ends the device's fold, and the document's. An operation without a write keeps its place among the device's
   * others, and its answer named a version of the document, which no fold may swallow.
   */
  endFold({ workspaceId, deviceId, collection, documentId }: FoldPlace): void {
    this.#delete(this.#lastChangeByDevice, operationKey(workspaceId, deviceId, ""));
    this.#delete(this.#lastChangeByDocument, documentKey(workspaceId, collection, documentId));
  }

  ledger(workspaceId: WorkspaceId, deviceId: DeviceId, clientId: ClientId): LedgerDraft | undefined {
    const key = operationKey(workspaceId, deviceId, clientId);
    const drafted = this.#ledgerByKey.get(key);
    if (drafted !== undefined) return drafted;
    const row = this.#state.ledgerRowByKey.get(key);
    return row === undefined ? undefined : { row, change: null };
  }

  record(draft: LedgerDraft): void {
    const { workspaceId, deviceId, clientId } = draft.row;
    this.#set(this.#ledgerByKey, operationKey(workspaceId, deviceId, clientId), draft);
  }

  /** The unresolved conflict that the device's next operation on a document waits behind, if any. */
  unsettledConflict(deviceId: DeviceId, document: string): ConflictWrite | undefined {
    return this.#conflictOf(this.#unsettledIdByDeviceDocument, deviceId, document);
  }

  /**
   * The reported conflict with which an operation of the device is refused, because it was accepted before the
   * device could know of the conflict: when the lane had been answered up to `answeredId`.
   */
  refusingConflict(deviceId: DeviceId, document: string, answeredId: string): ConflictWrite | undefined {
    const reported = this.#conflictOf(this.#reportedIdByDeviceDocument, deviceId, document);
    const refusedEntryId = reported?.refusedEntryId ?? null;
    return refusedEntryId !== null && isEntryBefore(answeredId, refusedEntryId) ? reported : undefined;
  }

  /** The device's most recently resolved conflict on this document among those read, excluding reported ones. */
  lastResolvedConflict(deviceId: DeviceId, document: string): ConflictWrite | undefined {
    return this.#conflictOf(this.#resolvedIdByDeviceDocument, deviceId, document);
  }

  /**
   * A document of a resolved conflict's record, empty if it is `null` there; `null` if the record is gone. Until it
   * is read, which is noted in {@link missingHistory}, the current document takes its place: with that, later
   * operations most likely request all other history that they need.
   */
  viewOf(conflict: ConflictWrite, view: ViewKey["view"]): JsonObject | null {
    const drafted = conflict[view];
    if (drafted !== undefined) return drafted ?? {};
    const { workspaceId, conflictId, collection, documentId } = conflict;
    const place = { workspaceId, conflictId, view };
    const known = this.#state.historyByKey.get(historyKey(place));
    if (known !== undefined) return known && "data" in known ? known.data : null;
    this.#set(this.missingHistory, historyKey(place), place);
    return this.document(workspaceId, collection, documentId)?.data?.value ?? {};
  }

  conflict(conflictId: ConflictId): ConflictWrite | undefined {
    return this.#conflictById.get(conflictId);
  }

  /** Reports whether this window has already written a conflict's record. */
  isTouched(conflictId: ConflictId): boolean {
    return this.#touchedConflictIds.has(conflictId);
  }

  /** The run behind a conflict that a resolution or a decision names, or that this window has opened. */
  run(conflictId: ConflictId): readonly Held[] {
    const run = this.#runByConflictId.get(conflictId);
    assertInvariant(run?.unread === 0, "a conflict's run was not read");
    return run.held;
  }

  openConflict(
    conflict: Omit<ConflictWrite, "operationCount" | "operationBytes">,
    run: readonly Held[],
  ): void {
    assertInvariant(!this.#conflictById.has(conflict.conflictId), "a conflict id was used twice");
    this.#set(this.#runByConflictId, conflict.conflictId, { unread: 0, held: [...run] });
    this.#touch({ ...conflict, operationCount: run.length, operationBytes: bytesOf(run) });
  }

  updateConflict(conflict: ConflictWrite): void {
    this.#touch(conflict);
  }

  /**
   * Holds one more operation behind a conflict. A version that its run rises to counts with its bytes, because the
   * merge loads it.
   */
  hold(conflict: ConflictWrite, held: NewlyHeld): void {
    const run = this.#runByConflictId.get(conflict.conflictId);
    assertInvariant(run !== undefined, "a conflict has no run");
    run.held.push(held);
    this.#undo.push(() => run.held.pop());
    const operationCount = run.unread + run.held.length;
    const rises = this.#conflictById.get(conflict.conflictId)?.seenVersion !== conflict.seenVersion;
    const bytes = bytesOf([held]) + (rises ? this.#bytesOfDocument(conflict) : 0);
    this.#touch({ ...conflict, operationCount, operationBytes: conflict.operationBytes + bytes });
  }

  /** Keeps the first operations of a conflict's run, and returns the rest. */
  splitRun(conflict: ConflictWrite, length: number): { conflict: ConflictWrite; rest: Held[] } {
    const run = this.run(conflict.conflictId);
    const held = run.slice(0, length);
    this.#set(this.#runByConflictId, conflict.conflictId, { unread: 0, held });
    const size = { operationCount: held.length, operationBytes: bytesOf(held) };
    return { conflict: { ...conflict, ...size }, rest: run.slice(length) };
  }

  get ledgerDrafts(): Iterable<LedgerDraft> {
    return this.#ledgerByKey.values();
  }

  get documents(): Iterable<DocumentDraft> {
    return this.#documentByKey.values();
  }

  get touchedConflicts(): { conflict: ConflictWrite; run: RunDraft }[] {
    return [...this.#touchedConflictIds].map((id) => {
      const conflict = this.#conflictById.get(id);
      const run = this.#runByConflictId.get(id);
      assertInvariant(conflict !== undefined && run !== undefined, "a touched conflict is missing");
      return { conflict, run };
    });
  }

  /** Marks the point that {@link undo} returns to. */
  mark(): void {
    this.#undo.length = 0;
  }

  undo(): void {
    for (let step = this.#undo.pop(); step; step = this.#undo.pop()) step();
  }

  #touch(conflict: ConflictWrite): void {
    this.#indexConflict(conflict);
    const { conflictId } = conflict;
    if (this.#touchedConflictIds.has(conflictId)) return;
    this.#touchedConflictIds.add(conflictId);
    this.#undo.push(() => this.#touchedConflictIds.delete(conflictId));
  }

  /** The size of a document's JSON in bytes. */
  #bytesOfDocument({ workspaceId, collection, documentId }: ConflictWrite): number {
    return this.document(workspaceId, collection, documentId)?.data?.size.bytes ?? 0;
  }

  #conflictOf(
    idByDeviceDocument: ReadonlyMap<string, string>,
    deviceId: DeviceId,
    document: string,
  ): ConflictWrite | undefined {
    return this.#conflictById.get(idByDeviceDocument.get(deviceDocumentKey(deviceId, document)) ?? "");
  }

  #indexConflict(conflict: ConflictWrite): void {
    this.#set(this.#conflictById, conflict.conflictId, conflict);
    const { workspaceId, collection, documentId, deviceId } = conflict;
    const key = deviceDocumentKey(deviceId, documentKey(workspaceId, collection, documentId));
    if (conflict.refusedEntryId !== null) {
      const last = this.#conflictById.get(this.#reportedIdByDeviceDocument.get(key) ?? "");
      const isOlder = isEntryBefore(conflict.refusedEntryId, last?.refusedEntryId ?? "");
      if (!isOlder) this.#set(this.#reportedIdByDeviceDocument, key, conflict.conflictId);
      return;
    }
    if (conflict.status !== "resolved") {
      this.#set(this.#unsettledIdByDeviceDocument, key, conflict.conflictId);
      return;
    }
    const isUnsettled = this.#unsettledIdByDeviceDocument.get(key) === conflict.conflictId;
    if (isUnsettled) this.#delete(this.#unsettledIdByDeviceDocument, key);
    const last = this.#conflictById.get(this.#resolvedIdByDeviceDocument.get(key) ?? "");
    if ((last?.resolvedVersion ?? -1) <= (conflict.resolvedVersion ?? 0)) {
      this.#set(this.#resolvedIdByDeviceDocument, key, conflict.conflictId);
    }
  }

  #set<K, V>(map: Map<K, V>, key: K, value: V): void {
    const before = map.get(key);
    this.#undo.push(() => (before === undefined ? map.delete(key) : map.set(key, before)));
    map.set(key, value);
  }

  #delete<K, V>(map: Map<K, V>, key: K): void {
    const before = map.get(key);
    if (before === undefined) return;
    this.#undo.push(() => map.set(key, before));
    map.delete(key);
  }
}

/** The times of a fold's edits, by place; `null` if none of its operations has a time. */
function timesOfFold(first: ChangeDraft, next: ChangeDraft, policy: ItemPolicy): EditTimes | null {
  const isTimed = [first, next].some(
    ({ editTimes, clientTimestampMs }) => editTimes !== null || clientTimestampMs !== null,
  );
  return isTimed ? joinTimes(timesOf(first, policy), timesOf(next, policy)) : null;
}

function timesOf(
  { editTimes, timesAt, before, data, clientTimestampMs: time }: ChangeDraft,
  policy: ItemPolicy,
): EditTimes {
  if (editTimes !== null) return editTimes;
  return timesAt?.(time) ?? timesOfEdit(before?.value ?? null, data?.value ?? null, time, policy);
}

function bytesOf(run: readonly Held[]): number {
  return run.reduce(
    (sum, held) => sum + ("batchId" in held ? JSON.stringify(held.operation).length : held.bytes),
    0,
  );
}

/** The client id of a held operation. */
export function clientIdOf(held: Held): string {
  return "batchId" in held ? held.operation.clientId : held.clientId;
}

/**
 * The version up to which all changes since the named one are the device's own, according to the state read and the
 * window's writes. Earlier changes are left to the history.
 */
function lastOwnVersion(
  { version, deviceId }: VersionKey,
  read: DocumentState | null | undefined,
  written: readonly ChangeDraft[],
): number {
  if (deviceId === null) return version;
  const isOwnRun = read && read.writerDeviceId === deviceId && read.runBaseVersion <= version;
  let last = isOwnRun ? Math.max(version, read.version) : version;
  for (const change of written) {
    if (change.firstVersion > last + 1 || change.deviceId !== deviceId || !change.deviceDeclared) continue;
    last = Math.max(last, change.version);
  }
  return last;
}
