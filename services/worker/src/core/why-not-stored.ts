import { isNewlyTooLarge, jsonEqual, TOO_LARGE, type JsonObject } from "@syncline/shared/document";
import type { CollectionPolicy, StandardSchema } from "@syncline/shared/merge";
import { faultBySchema } from "@syncline/shared/policies";
import { assertInvariant, type MergeOutcome } from "@syncline/shared/protocol";
import type { AtFault } from "./at-fault.ts";

/**
 * Returns the reason why a document may not be stored, if there is one. Every write asks here: of operations, merges,
 * hooks and decisions. A document that is stored already is no fault of a write that leaves it as it is.
 */
export function whyNotStored(
  { schema }: Pick<CollectionPolicy, "schema">,
  document: JsonObject | null,
  current: JsonObject | null,
): AtFault | undefined {
  if (document === null) return undefined;
  if (isNewlyTooLarge(document, current)) {
    return { kind: "error", errorType: "document_too_large", message: TOO_LARGE };
  }
  if (schema === undefined || jsonEqual(document, current)) return undefined;
  assertInvariant(isCompiled(schema), "the schema of a collection was not compiled");
  const fault = faultBySchema(schema, document);
  if (fault === undefined) return undefined;
  const errorType = fault.kind === "violation" ? "schema_violation" : "operation_refused";
  return { kind: "error", errorType, message: fault.message };
}

/** Leaves a merge to a person if its outcome may not be stored. */
export function parkUnstorable(
  outcome: MergeOutcome,
  policy: CollectionPolicy,
  current: JsonObject | null,
): MergeOutcome {
  if (outcome.kind === "park" || policy.schema === undefined) return outcome;
  const { document, overlaps } = outcome;
  const fault = whyNotStored(policy, document, current);
  if (fault === undefined) return outcome;
  return { kind: "park", reason: fault.message, proposed: document, overlaps };
}

function isCompiled(schema: NonNullable<CollectionPolicy["schema"]>): schema is StandardSchema {
  return schema["~standard"] !== undefined;
}
