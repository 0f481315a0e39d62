import type { ClientId } from "../ids/ids.ts";
import type { JsonObject } from "../json/json.ts";
import { joinTimes, timesOfEdit, type EditTimes } from "../merge/edit-times.ts";
import type { YjsPolicy } from "../merge/keep-yjs-states.ts";
import type { RefusedOperation } from "../protocol/lane-entry.ts";
import { applyOperation, type OperationEffect } from "./apply-operation.ts";
import { OPERATION_VALUES_MAX, RUN_VALUES_MAX, spend, type Budget } from "./budget.ts";

/** What a run makes of a document (`null`: deleted), and which of its operations were themselves at fault. */
export interface AppliedRun {
  document: JsonObject | null;
  refused: RefusedOperation[];
  /** The budget was used up before the end of the run: the document is what the run had made of it by then. */
  costly: boolean;
  /** The document that the last operation deleted, if the run had changed it. */
  ended: JsonObject | null;
  /** The times of the run's edits, by place. */
  times: EditTimes;
}

/**
 * Applies a device's run one by one, oldest to newest; an operation that is itself at fault is left out, and named.
 * Pure; neither the document nor the operations are changed.
 *
 * @param base - `null` where there is no document, or a tombstone
 * @param budget - of the whole run, however many parts it is applied in
 */
export function applyRun(
  base: JsonObject | null,
  run: readonly (OperationEffect & { clientId: ClientId; timestampMs?: number })[],
  policy: YjsPolicy = {},
  budget: Budget = { left: RUN_VALUES_MAX },
): AppliedRun {
  let document = base;
  const refused: RefusedOperation[] = [];
  let ended: JsonObject | null = null;
  let times: EditTimes = {};
  for (const operation of run) {
    // Each has the budget that it would have alone, so that none is at fault for what others cost.
    if (budget.left < OPERATION_VALUES_MAX) return { document, refused, ended, costly: true, times };
    const own = { left: OPERATION_VALUES_MAX };
    const applied = applyOperation(document, operation, policy, own);
    spend(budget, OPERATION_VALUES_MAX - own.left);
    if (applied.ok) {
      if (applied.document !== null) ended = null;
      else if (document !== base) ended = document ?? ended;
      const edited = timesOfEdit(document, applied.document, operation.timestampMs ?? null, policy);
      times = joinTimes(times, edited);
      document = applied.document;
    } else {
      const { errorType, message } = applied;
      refused.push({ clientId: operation.clientId, errorType, message });
    }
  }
  return { document, refused, ended, costly: false, times };
}
