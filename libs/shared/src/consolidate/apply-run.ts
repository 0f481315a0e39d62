import type { JsonObject } from "../json/json.ts";
import type { YjsPolicy } from "../merge/keep-yjs-states.ts";
import type { RefusedOperation } from "../protocol/lane-entry.ts";
import { applyOperation, type OperationEffect } from "./apply-operation.ts";

/** What a run makes of a document (`null`: deleted), and which of its operations were themselves at fault. */
export interface AppliedRun {
  document: JsonObject | null;
  refused: RefusedOperation[];
}

/**
 * Applies a device's run one by one, oldest to newest; an operation that is itself at fault is left out, and named.
 * Pure; neither the document nor the operations are changed.
 *
 * @param base - `null` where there is no document, or a tombstone
 */
export function applyRun(
  base: JsonObject | null,
  run: readonly (OperationEffect & { clientId: string })[],
  policy: YjsPolicy = {},
): AppliedRun {
  let document = base;
  const refused: RefusedOperation[] = [];
  for (const operation of run) {
    const applied = applyOperation(document, operation, policy);
    if (applied.ok) document = applied.document;
    else {
      const { errorType, message } = applied;
      refused.push({ clientId: operation.clientId, errorType, message });
    }
  }
  return { document, refused };
}
