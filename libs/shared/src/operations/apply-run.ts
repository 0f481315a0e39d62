import type { ClientId } from "../ids/ids.ts";
import type { JsonObject } from "../document/json.ts";
import { joinTimes, timesOfEdit } from "./times-of-edit.ts";
import type { EditTimes } from "../merge/edit-times.ts";
import type { YjsPolicy } from "../effects/yjs-places.ts";
import type { RefusedOperation } from "../protocol/lane-entry.ts";
import type { OperationEffect } from "../effects/apply-effect.ts";
import { applyOperation } from "./apply-operation.ts";
import { OPERATION_VALUES_MAX, RUN_VALUES_MAX, spend, type Budget } from "../document/budget.ts";

/** The document after a run (`null`: deleted), and the run's failing operations. */
export interface AppliedRun {
  document: JsonObject | null;
  refused: RefusedOperation[];
  /** True if the budget was used up before the end of the run; the document is then the result up to that point. */
  costly: boolean;
  /** The document that the last operation deleted, if the run had changed it. */
  ended: JsonObject | null;
  /** The times of the run's edits, by place. */
  times: EditTimes;
}

/**
 * Applies the operations of a device's run one by one, oldest first. A failing operation is left out, and named.
 * Pure; neither the document nor the operations are changed.
 *
 * @param base - `null` if there is no document, or a tombstone
 * @param budget - the budget of the whole run, however many parts it is applied in
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
    // Each operation has the budget that it would have alone, so that none fails because of others' costs.
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
