import { applyPatch } from "rfc6902";
import { isJsonObject, type Json, type JsonObject } from "../json/json.ts";
import type { AcceptedOperation } from "../protocol/lane-entry.ts";
import { applyMergePatch } from "./merge-patch.ts";

/** The document after an operation (`null`: deleted), or why the operation itself is at fault. */
export type Applied =
  { ok: true; document: JsonObject | null } | { ok: false; errorType: string; message: string };

type Content = Pick<AcceptedOperation, "kind" | "data" | "patch">;

/**
 * Applies one operation to the document it meets, with no regard to versions: that is the caller's decision.
 * Pure; the given document is not changed.
 *
 * @param document - `null` where there is none, or a tombstone; an update then starts from an empty object
 */
export function applyOperation(document: JsonObject | null, operation: Content): Applied {
  switch (operation.kind) {
    case "create":
    case "put":
      return { ok: true, document: operation.data ?? {} };
    case "delete":
      return { ok: true, document: null };
    case "update":
      if (operation.patch !== undefined) return applyJsonPatch(document ?? {}, operation.patch);
      return { ok: true, document: applyMergePatch(document ?? {}, operation.data ?? {}) };
    default:
      return operation.kind satisfies never;
  }
}

function applyJsonPatch(document: JsonObject, patch: NonNullable<Content["patch"]>): Applied {
  // The library patches in place, and values of the patch would be shared with the result.
  const root: { document: Json } = { document: structuredClone(document) };
  const steps = structuredClone(patch).map((step) => ({
    ...step,
    path: `/document${step.path}`,
    ...("from" in step ? { from: `/document${step.from}` } : {}),
  }));
  for (const [index, step] of steps.entries()) {
    const [failure] = applyPatch(root, [step as Parameters<typeof applyPatch>[1][number]]);
    if (failure) {
      return {
        ok: false,
        errorType: "patch_failed",
        message: `patch step ${index} (${step.op}): ${failure.message}`,
      };
    }
  }
  if (!isJsonObject(root.document)) {
    return { ok: false, errorType: "patch_failed", message: "the patch leaves no JSON object" };
  }
  return { ok: true, document: root.document };
}
