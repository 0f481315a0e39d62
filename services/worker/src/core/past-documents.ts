import type { JsonObject } from "@syncline/shared/document";
import {
  type DocumentEdits,
  type HistoricDocument,
  NO_HISTORY,
  type RunHistory,
} from "@syncline/shared/operations";
import { documentKey } from "@syncline/shared/protocol";
import type { ChangeDraft } from "./change-draft.ts";
import type { DocumentsDraft } from "./documents-draft.ts";
import type { UndoLog } from "./undo-log.ts";
import type { ConflictWrite } from "./window-plan.ts";
import {
  historyKey,
  type DocumentState,
  type EditsKey,
  type HistoryKey,
  type RiseKey,
  type VersionKey,
  type ViewKey,
  type WindowState,
} from "./window-state.ts";

/**
 * Documents as they were: the history read, and on top of it the window's changes. History that has to be read first
 * is noted in {@link missing}, and the plan is then made again.
 */
export class PastDocuments {
  readonly missing = new Map<string, HistoryKey>();
  readonly #state: Pick<WindowState, "documentByKey" | "historyByKey">;
  readonly #documents: DocumentsDraft;
  readonly #undo: UndoLog;

  constructor(
    state: Pick<WindowState, "documentByKey" | "historyByKey">,
    documents: DocumentsDraft,
    undo: UndoLog,
  ) {
    this.#state = state;
    this.#documents = documents;
    this.#undo = undo;
  }

  /**
   * A document as a device that names a version saw it; for a tombstone, the document that it ended. `null` if
   * unknown, or not read yet.
   */
  at(place: VersionKey): HistoricDocument | null {
    const { workspaceId, collection, documentId } = place;
    const key = documentKey(workspaceId, collection, documentId);
    const read = this.#state.documentByKey.get(key);
    if (place.version <= 0 && place.deviceId === null) return null;
    const written = this.#documents.changesOf(key);
    const version = lastOwnVersion(place, read, written);
    if (version > (read?.version ?? 0)) {
      const change = written.find((one) => one.version >= version);
      if (change === undefined) return null;
      if (change.data !== null) return { data: change.data.value, deleted: false };
      if (change.ended !== null) return { data: change.ended.value, deleted: true };
      const before = this.at({ ...place, version: change.firstVersion - 1, deviceId: null });
      return before && { ...before, deleted: true };
    }
    if (version === 0 && !read) return null;
    if (version === read?.version && read.data !== null) return { data: read.data.value, deleted: false };
    const seen = { ...place, version };
    const known = this.#find(seen);
    return known && "data" in known ? known : null;
  }

  /** The changes of a document since a version. */
  editsSince(place: EditsKey): DocumentEdits {
    const known = this.#find(place);
    const { seenVersion, changes } =
      known && "seenVersion" in known ? known : { seenVersion: place.since, changes: [] };
    const written = this.#changesOf(place).map(
      ({ firstVersion, version, data, editTimes, clientTimestampMs: timestampMs, ...by }) => ({
        firstVersion,
        version,
        data: data?.value ?? null,
        editTimes,
        timestampMs,
        leftOut: false,
        own: by.deviceDeclared && by.deviceId === place.deviceId,
      }),
    );
    const all = [...changes, ...written];
    const holding = all.find(
      ({ firstVersion, version }) => firstVersion <= place.since && place.since <= version,
    );
    return { seenVersion: Math.max(seenVersion, holding?.version ?? 0), changes: all };
  }

  /** The changes of a document from one version to a later one that its device has received. */
  riseOf(place: RiseKey): RunHistory {
    const known = this.#find(place);
    const { changes, lastOwnVersion } = known && "lastOwnVersion" in known ? known : NO_HISTORY;
    const written = this.#changesOf(place).map(
      ({ firstVersion, version, data, ended, clientTimestampMs: timestampMs, ...by }) => ({
        firstVersion,
        version,
        timestampMs,
        data: (data ?? ended)?.value ?? {},
        deleted: data === null,
        own: by.deviceDeclared && by.deviceId === place.deviceId,
      }),
    );
    const last = written.findLast(({ own }) => own)?.version ?? lastOwnVersion;
    return { changes: [...changes, ...written], lastOwnVersion: last };
  }

  /**
   * A document of a resolved conflict's record, empty if it is `null` there; `null` if the record is gone. Until it
   * is read, the current document takes its place: with that, later operations most likely request all other history
   * that they need.
   */
  viewOf(conflict: ConflictWrite, view: ViewKey["view"]): JsonObject | null {
    const drafted = conflict[view];
    if (drafted !== undefined) return drafted ?? {};
    const { workspaceId, conflictId, collection, documentId } = conflict;
    const known = this.#find({ workspaceId, conflictId, view });
    if (known !== undefined) return known && "data" in known ? known.data : null;
    return this.#documents.find(workspaceId, collection, documentId)?.data?.value ?? {};
  }

  /** Returns what was read, and `undefined` if it has to be read first. */
  #find(place: HistoryKey): ReturnType<WindowState["historyByKey"]["get"]> {
    const key = historyKey(place);
    const known = this.#state.historyByKey.get(key);
    if (known === undefined) this.#undo.set(this.missing, key, place);
    return known;
  }

  #changesOf({ workspaceId, collection, documentId }: EditsKey | RiseKey): readonly ChangeDraft[] {
    return this.#documents.changesOf(documentKey(workspaceId, collection, documentId));
  }
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
