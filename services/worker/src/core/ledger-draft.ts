import { operationKey, type ClientId, type DeviceId, type WorkspaceId } from "@syncline/shared/protocol";
import type { ChangeDraft } from "./change-draft.ts";
import type { UndoLog } from "./undo-log.ts";
import type { LedgerWrite } from "./window-plan.ts";
import type { WindowState } from "./window-state.ts";

/** A ledger row being planned. `change` contains the operation; `null` if it wrote no change. */
export interface RowDraft {
  row: LedgerWrite;
  change: ChangeDraft | null;
}

/** The outcomes of operations: those read, and on top of them the window's so far. */
export class LedgerDraft {
  readonly #readByKey: WindowState["ledgerRowByKey"];
  readonly #undo: UndoLog;
  readonly #writtenByKey = new Map<string, RowDraft>();

  constructor({ ledgerRowByKey }: Pick<WindowState, "ledgerRowByKey">, undo: UndoLog) {
    this.#readByKey = ledgerRowByKey;
    this.#undo = undo;
  }

  find(workspaceId: WorkspaceId, deviceId: DeviceId, clientId: ClientId): RowDraft | undefined {
    const key = operationKey(workspaceId, deviceId, clientId);
    const written = this.#writtenByKey.get(key);
    if (written !== undefined) return written;
    const row = this.#readByKey.get(key);
    return row === undefined ? undefined : { row, change: null };
  }

  record(draft: RowDraft): void {
    const { workspaceId, deviceId, clientId } = draft.row;
    this.#undo.set(this.#writtenByKey, operationKey(workspaceId, deviceId, clientId), draft);
  }

  /** The rows that the window has written. */
  get written(): Iterable<RowDraft> {
    return this.#writtenByKey.values();
  }
}
