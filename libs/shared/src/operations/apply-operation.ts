import { OPERATION_VALUES_MAX, type Budget } from "../document/budget.ts";
import type { JsonObject } from "../document/json.ts";
import { applyEffect, type Applied, type OperationEffect } from "../effects/apply-effect.ts";
import type { YjsPolicy } from "../effects/yjs-places.ts";
import { keepYjsStates } from "../yjs/keep-yjs-states.ts";

/**
 * Applies one operation to a document, regardless of versions, which the caller checks. A Yjs state that it writes
 * is merged with the stored one. Pure; the given document is not changed. The work is bounded before it is done.
 *
 * @param document - `null` if there is none, or a tombstone; an update then starts from an empty object
 * @param policy - the values that are Yjs states, beside those under `yjs_state_b64`
 */
export function applyOperation(
  document: JsonObject | null,
  operation: OperationEffect,
  policy: YjsPolicy = {},
  budget: Budget = { left: OPERATION_VALUES_MAX },
): Applied {
  return applyEffect(document, operation, budget, (before, after, patch) =>
    keepYjsStates(before, after, policy, patch),
  );
}
