import type { DocumentId } from "../ids/ids.ts";
import type { ErrorType } from "../protocol/operation-errors.ts";
import { isTooLarge, TOO_LARGE } from "../document/document-size.ts";
import { isJsonObject, type JsonObject } from "../document/json.ts";
import { keepYjsStates, type YjsPolicy } from "../yjs/keep-yjs-states.ts";
import type { AcceptedOperation } from "../protocol/lane-entry.ts";
import type { JsonPatchStep } from "../document/json-patch-step.ts";
import { OPERATION_VALUES_MAX, type Budget } from "../document/budget.ts";
import { applyJsonPatch } from "../document/json-patch.ts";
import { applyMergePatch } from "../document/merge-patch.ts";

/** The document after an operation (`null`: deleted), or the reason why the operation fails. */
export type Applied =
  { ok: true; document: JsonObject | null } | { ok: false; errorType: ErrorType; message: string };

/** The part of an operation that determines its effect on the document. */
export type OperationEffect = Pick<AcceptedOperation, "kind" | "documentId" | "data" | "patch">;

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
  const applied = applyEffect(document, operation, budget);
  if (!applied.ok) return applied;
  const { kind, data } = operation;
  const kept = keepYjsStates(document, applied.document, policy, kind === "update" ? data : undefined);
  return kept === null || kept === applied.document ? applied : written(kept);
}

function applyEffect(document: JsonObject | null, operation: OperationEffect, budget: Budget): Applied {
  switch (operation.kind) {
    case "create":
    case "put":
      return written(operation.data ?? {});
    case "delete":
      return { ok: true, document: null };
    case "update":
      if (operation.patch !== undefined)
        return applyPatch(document ?? {}, operation.patch, operation.documentId, budget);
      return written(applyMergePatch(document ?? {}, operation.data ?? {}, budget));
    default:
      return operation.kind satisfies never;
  }
}

function applyPatch(
  document: JsonObject,
  patch: JsonPatchStep[],
  documentId: DocumentId,
  budget: Budget,
): Applied {
  const patched = applyJsonPatch(document, patch, budget);
  if (!patched.ok) {
    const message = `patch step ${patched.step} (${patch[patched.step]?.op}): ${patched.message}`;
    return patched.costly ? { ok: false, errorType: "operation_too_costly", message } : patchFailed(message);
  }
  if (!isJsonObject(patched.value)) return patchFailed("the patch does not result in a JSON object");
  const { id } = patched.value;
  if (id !== undefined && id !== documentId) {
    return {
      ok: false,
      errorType: "id_mismatch",
      message: "The patch makes data.id differ from document_id",
    };
  }
  return written(patched.value);
}

function written(document: JsonObject): Applied {
  if (isTooLarge(document)) return { ok: false, errorType: "document_too_large", message: TOO_LARGE };
  return { ok: true, document };
}

function patchFailed(message: string): Applied {
  return { ok: false, errorType: "patch_failed", message };
}
