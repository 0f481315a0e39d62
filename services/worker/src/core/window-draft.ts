import {
  assertInvariant,
  deviceDocumentKey,
  documentKey,
  operationKey,
  type JsonObject,
  type LedgerRow,
} from "@syncline/shared";
import type { ConflictState, DocumentState, WindowState } from "./window-state.ts";

/** A change in the making: its seq is known once the whole window is planned. */
export interface ChangeDraft {
  workspaceId: string;
  collection: string;
  documentId: string;
  firstVersion: number;
  version: number;
  data: JsonObject | null;
  deviceId: string;
  deviceDeclared: boolean;
  clientTimestampMs: number | null;
  /** The group it belongs to: a fold never crosses a group's edge. */
  unit: string | undefined;
}

/** A ledger row in the making: `change` holds the operation; `null` where nothing was written. */
export interface LedgerDraft {
  row: LedgerRow;
  change: ChangeDraft | null;
}

/** A document as the window leaves it. */
export interface DocumentDraft extends DocumentState {
  workspaceId: string;
  collection: string;
  documentId: string;
}

/** What a write says of itself. */
export interface DraftedWrite {
  workspaceId: string;
  collection: string;
  documentId: string;
  data: JsonObject | null;
  deviceId: string;
  deviceDeclared: boolean;
  clientTimestampMs: number | null;
  unit: string | undefined;
  /** How many operations it holds: the version grows by so many. */
  operations: number;
}

/**
 * The state that a window's operations meet one after the other: what was read, and on top of it what the window has
 * decided so far. Everything added after {@link mark} can be taken back, which is how a group that fails leaves no trace.
 */
export class WindowDraft {
  readonly changes: ChangeDraft[] = [];
  readonly #state: WindowState;
  readonly #documentByKey = new Map<string, DocumentDraft>();
  readonly #ledgerByKey = new Map<string, LedgerDraft>();
  readonly #conflictById = new Map<string, ConflictState>();
  readonly #touchedConflictIds = new Set<string>();
  readonly #unsettledIdByDeviceDocument = new Map<string, string>();
  readonly #resolvedIdByDeviceDocument = new Map<string, string>();
  readonly #lastChangeByDocument = new Map<string, ChangeDraft>();
  readonly #lastChangeByDevice = new Map<string, ChangeDraft>();
  readonly #undo: (() => void)[] = [];

  constructor(state: WindowState) {
    this.#state = state;
    for (const conflict of state.conflicts) this.#indexConflict(structuredClone(conflict));
  }

  document(workspaceId: string, collection: string, documentId: string): DocumentState | undefined {
    const key = documentKey(workspaceId, collection, documentId);
    const read = this.#state.documentByKey.get(key);
    assertInvariant(read !== undefined, "a window touches a document that was not read");
    return this.#documentByKey.get(key) ?? read ?? undefined;
  }

  /**
   * Writes a document's next state, folded into the device's previous change where nobody could tell: same device,
   * same document, same group, and no other operation of the device in between, so that no operation ever overtakes
   * one that it may depend on.
   */
  write(write: DraftedWrite): { change: ChangeDraft; version: number } {
    const key = documentKey(write.workspaceId, write.collection, write.documentId);
    const deviceKey = operationKey(write.workspaceId, write.deviceId, "");
    const before = this.document(write.workspaceId, write.collection, write.documentId);
    const version = (before?.version ?? 0) + write.operations;
    const { operations: _, ...rest } = write;
    const change: ChangeDraft = { ...rest, firstVersion: (before?.version ?? 0) + 1, version };

    const previous = this.#lastChangeByDevice.get(deviceKey);
    const folds =
      previous !== undefined &&
      write.deviceDeclared &&
      previous.unit === write.unit &&
      this.#lastChangeByDocument.get(key) === previous;
    let held = change;
    if (folds) {
      const old = { ...previous };
      Object.assign(previous, change, { firstVersion: previous.firstVersion });
      this.#undo.push(() => Object.assign(previous, old));
      held = previous;
    } else {
      this.changes.push(change);
      this.#undo.push(() => this.changes.pop());
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
    });
    return { change: held, version };
  }

  /** Ends the device's fold: an operation that wrote nothing still keeps its place among the device's others. */
  endRun(workspaceId: string, deviceId: string): void {
    this.#delete(this.#lastChangeByDevice, operationKey(workspaceId, deviceId, ""));
  }

  ledger(workspaceId: string, deviceId: string, clientId: string): LedgerDraft | undefined {
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

  unsettledConflict(deviceId: string, document: string): ConflictState | undefined {
    const id = this.#unsettledIdByDeviceDocument.get(deviceDocumentKey(deviceId, document));
    return id === undefined ? undefined : this.#conflictById.get(id);
  }

  /** What of the device's conflicts on a document was resolved last, as far as it was read. */
  lastResolvedConflict(deviceId: string, document: string): ConflictState | undefined {
    const id = this.#resolvedIdByDeviceDocument.get(deviceDocumentKey(deviceId, document));
    return id === undefined ? undefined : this.#conflictById.get(id);
  }

  conflict(conflictId: string): ConflictState | undefined {
    return this.#conflictById.get(conflictId);
  }

  openConflict(conflict: ConflictState): void {
    assertInvariant(!this.#conflictById.has(conflict.conflictId), "a conflict id was used twice");
    this.#indexConflict(conflict);
    this.#touchedConflictIds.add(conflict.conflictId);
  }

  /** Replaces a conflict's state. Resolutions and held operations do this; a group never does. */
  updateConflict(conflict: ConflictState): void {
    this.#indexConflict(conflict);
    this.#touchedConflictIds.add(conflict.conflictId);
  }

  get ledgerDrafts(): Iterable<LedgerDraft> {
    return this.#ledgerByKey.values();
  }

  get documents(): Iterable<DocumentDraft> {
    return this.#documentByKey.values();
  }

  get touchedConflicts(): ConflictState[] {
    return [...this.#touchedConflictIds].map((id) => {
      const conflict = this.#conflictById.get(id);
      assertInvariant(conflict !== undefined, "a touched conflict is missing");
      return conflict;
    });
  }

  /** The point that {@link undoTo} goes back to. */
  mark(): number {
    return this.#undo.length;
  }

  undoTo(mark: number): void {
    while (this.#undo.length > mark) this.#undo.pop()?.();
  }

  #indexConflict(conflict: ConflictState): void {
    this.#conflictById.set(conflict.conflictId, conflict);
    const { workspaceId, collection, documentId, deviceId } = conflict;
    const key = deviceDocumentKey(deviceId, documentKey(workspaceId, collection, documentId));
    // A reported conflict refuses what follows it in the same window; later windows no longer see it.
    if (conflict.status !== "resolved") {
      this.#unsettledIdByDeviceDocument.set(key, conflict.conflictId);
      return;
    }
    const isUnsettled = this.#unsettledIdByDeviceDocument.get(key) === conflict.conflictId;
    if (isUnsettled) this.#unsettledIdByDeviceDocument.delete(key);
    const last = this.#conflictById.get(this.#resolvedIdByDeviceDocument.get(key) ?? "");
    if ((last?.resolvedVersion ?? -1) <= (conflict.resolvedVersion ?? 0)) {
      this.#resolvedIdByDeviceDocument.set(key, conflict.conflictId);
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
