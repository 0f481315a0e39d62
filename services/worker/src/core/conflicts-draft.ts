import {
  assertInvariant,
  deviceDocumentKey,
  documentKey,
  isEntryBefore,
  statusAfter,
  type ConflictEvent,
  type ConflictId,
  type DeviceId,
} from "@syncline/shared/protocol";
import { bytesOf, type Held, type RunDraft } from "./device-run.ts";
import type { UndoLog } from "./undo-log.ts";
import type { ConflictWrite, DecisionWrite } from "./window-plan.ts";
import type { NewlyHeld, WindowState } from "./window-state.ts";

/** A new conflict, before its record is created. */
export type StartedConflict = Omit<ConflictWrite, "status" | "operationCount" | "operationBytes">;

/** A conflict that the window has written, with its run. */
export interface WrittenConflict {
  conflict: ConflictWrite;
  run: RunDraft;
}

/** The conflicts and the runs behind them: those read, and on top of them the window's so far. */
export class ConflictsDraft {
  /** People's decisions. They are never in a group, so never undone. */
  readonly decisions: Omit<DecisionWrite, "revision">[] = [];
  /** The rounds of each completed merge, which is in no group either. */
  readonly roundsTaken: number[] = [];
  readonly #undo: UndoLog;
  readonly #conflictById = new Map<string, ConflictWrite>();
  readonly #writtenIds = new Set<string>();
  readonly #runById = new Map<string, RunDraft>();
  readonly #unsettledIdByDeviceDocument = new Map<string, string>();
  readonly #reportedIdByDeviceDocument = new Map<string, string>();
  readonly #resolvedIdByDeviceDocument = new Map<string, string>();

  constructor(
    { conflicts, runByConflictId }: Pick<WindowState, "conflicts" | "runByConflictId">,
    undo: UndoLog,
  ) {
    this.#undo = undo;
    for (const conflict of conflicts) {
      this.#index(conflict);
      const rows = runByConflictId.get(conflict.conflictId);
      const run: RunDraft =
        rows === undefined ? { unread: conflict.operationCount, held: [] } : { unread: 0, held: [...rows] };
      this.#runById.set(conflict.conflictId, run);
    }
  }

  find(conflictId: ConflictId): ConflictWrite | undefined {
    return this.#conflictById.get(conflictId);
  }

  /** The unresolved conflict that the device's next operation on a document waits behind, if any. */
  unsettled(deviceId: DeviceId, document: string): ConflictWrite | undefined {
    return this.#findOf(this.#unsettledIdByDeviceDocument, deviceId, document);
  }

  /**
   * The reported conflict with which an operation of the device is refused, because it was accepted before the
   * device could know of the conflict: when the lane had been answered up to `answeredId`.
   */
  refusing(deviceId: DeviceId, document: string, answeredId: string): ConflictWrite | undefined {
    const reported = this.#findOf(this.#reportedIdByDeviceDocument, deviceId, document);
    const refusedEntryId = reported?.refusedEntryId ?? null;
    return refusedEntryId !== null && isEntryBefore(answeredId, refusedEntryId) ? reported : undefined;
  }

  /** The device's most recently resolved conflict on this document among those read, excluding reported ones. */
  lastResolved(deviceId: DeviceId, document: string): ConflictWrite | undefined {
    return this.#findOf(this.#resolvedIdByDeviceDocument, deviceId, document);
  }

  /** Reports whether this window has already written a conflict's record. */
  isWritten(conflictId: ConflictId): boolean {
    return this.#writtenIds.has(conflictId);
  }

  /** The run behind a conflict that a resolution or a decision names, or that this window has opened. */
  run(conflictId: ConflictId): readonly Held[] {
    const run = this.#runById.get(conflictId);
    assertInvariant(run?.unread === 0, "a conflict's run was not read");
    return run.held;
  }

  /** Creates a conflict's record, because of the event with which its life begins. */
  open(event: ConflictEvent, conflict: StartedConflict, run: readonly Held[]): void {
    this.#undo.set(this.#runById, conflict.conflictId, { unread: 0, held: [...run] });
    this.update(event, { ...conflict, operationCount: run.length, operationBytes: bytesOf(run) });
  }

  /** Writes a conflict's record after an event, which decides its status. */
  update(event: ConflictEvent, conflict: Omit<ConflictWrite, "status">): void {
    const status = this.#conflictById.get(conflict.conflictId)?.status ?? "none";
    this.#index({ ...conflict, status: statusAfter(status, event) });
    this.#undo.add(this.#writtenIds, conflict.conflictId);
  }

  /**
   * Holds one more operation behind a conflict.
   *
   * @param risenBytes - the size of the document that its run rises to with this operation, which the merge loads
   */
  hold(conflict: ConflictWrite, held: NewlyHeld, risenBytes: number): void {
    const run = this.#runById.get(conflict.conflictId);
    assertInvariant(run !== undefined, "a conflict has no run");
    this.#undo.append(run.held, held);
    this.update("joined", {
      ...conflict,
      operationCount: run.unread + run.held.length,
      operationBytes: conflict.operationBytes + bytesOf([held]) + risenBytes,
    });
  }

  /** Keeps the first operations of a conflict's run, and returns the rest. */
  splitRun(conflict: ConflictWrite, length: number): { conflict: ConflictWrite; rest: Held[] } {
    const run = this.run(conflict.conflictId);
    const held = run.slice(0, length);
    this.#undo.set(this.#runById, conflict.conflictId, { unread: 0, held });
    const size = { operationCount: held.length, operationBytes: bytesOf(held) };
    return { conflict: { ...conflict, ...size }, rest: run.slice(length) };
  }

  /** The conflicts that the window has written. */
  get written(): WrittenConflict[] {
    return [...this.#writtenIds].map((id) => {
      const conflict = this.#conflictById.get(id);
      const run = this.#runById.get(id);
      assertInvariant(conflict !== undefined && run !== undefined, "a written conflict is missing");
      return { conflict, run };
    });
  }

  #findOf(
    idByDeviceDocument: ReadonlyMap<string, string>,
    deviceId: DeviceId,
    document: string,
  ): ConflictWrite | undefined {
    return this.#conflictById.get(idByDeviceDocument.get(deviceDocumentKey(deviceId, document)) ?? "");
  }

  #index(conflict: ConflictWrite): void {
    this.#undo.set(this.#conflictById, conflict.conflictId, conflict);
    const { workspaceId, collection, documentId, deviceId, conflictId } = conflict;
    const key = deviceDocumentKey(deviceId, documentKey(workspaceId, collection, documentId));
    if (conflict.refusedEntryId !== null) {
      const last = this.#conflictById.get(this.#reportedIdByDeviceDocument.get(key) ?? "");
      const isOlder = isEntryBefore(conflict.refusedEntryId, last?.refusedEntryId ?? "");
      if (!isOlder) this.#undo.set(this.#reportedIdByDeviceDocument, key, conflictId);
      return;
    }
    if (conflict.status !== "resolved") {
      this.#undo.set(this.#unsettledIdByDeviceDocument, key, conflictId);
      return;
    }
    const isUnsettled = this.#unsettledIdByDeviceDocument.get(key) === conflictId;
    if (isUnsettled) this.#undo.delete(this.#unsettledIdByDeviceDocument, key);
    const last = this.#conflictById.get(this.#resolvedIdByDeviceDocument.get(key) ?? "");
    if ((last?.resolvedVersion ?? -1) <= (conflict.resolvedVersion ?? 0)) {
      this.#undo.set(this.#resolvedIdByDeviceDocument, key, conflictId);
    }
  }
}
