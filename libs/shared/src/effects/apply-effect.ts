import type { DocumentId } from "../ids/ids.ts";
import type { ErrorType } from "../protocol/operation-errors.ts";
import { OPERATION_VALUES_MAX, type Budget } from "../document/budget.ts";
import { isTooLarge, TOO_LARGE } from "../document/document-size.ts";
import { applyJsonPatch } from "../document/json-patch.ts";
import type { JsonPatchStep } from "../document/json-patch-step.ts";
import { isJsonObject, type JsonObject } from "../document/json.ts";
import { applyMergePatch } from "../document/merge-patch.ts";
import type { AcceptedOperation } from "../protocol/lane-entry.ts";

/** The document after an operation (`null`: deleted), or the reason why the operation fails. */
export type Applied =
  { ok: true; document: JsonObject | null } | { ok: false; errorType: ErrorType; message: string };

/** The part of an operation that determines its effect on the document. */
export type OperationEffect = Pick<AcceptedOperation, "kind" | "documentId" | "data" | "patch">;

/**
 * Merges the Yjs states that a write would replace into the written document.
 *
 * @param patch - the merge patch of the write, if it is one
 */
export type KeepStates = (before: JsonObject | null, after: JsonObject, patch?: JsonObject) => JsonObject;

/**
 * Applies one operation to a document, regardless of versions, which the caller checks. Pure; the given document is
 * not changed. The work is bounded before it is done.
 *
 * @param document - `null` if there is none, or a tombstone; an update then starts from an empty object
 * @param keepStates - if absent, a Yjs state is replaced like any other string
 */
export function applyEffect(
  document: JsonObject | null,
  operation: OperationEffect,
  budget: Budget = { left: OPERATION_VALUES_MAX },
  keepStates?: KeepStates,
): Applied {
  const applied = applyAlone(document, operation, budget);
  if (!applied.ok || applied.document === null || keepStates === undefined) return applied;
  const { kind, data } = operation;
  const kept = keepStates(document, applied.document, kind === "update" ? data : undefined);
  return kept === applied.document ? applied : written(kept);
}

function applyAlone(document: JsonObject | null, operation: OperationEffect, budget: Budget): Applied {
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
