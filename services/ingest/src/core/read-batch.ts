import type { Json } from "@syncline/shared/document";
import { BATCH_OPERATIONS_MAX, Problem, fieldProblem } from "@syncline/shared/protocol";
import { batchSchema, type Batch } from "@syncline/shared/schemas";
import { SUBJECT_DEVICE_PREFIX } from "./accept-batch.ts";

/**
 * Parses the body of a batch request.
 * @throws {@link Problem} `too-large` or `invalid-field`, with the operation and the field
 */
export function readBatch(value: Json): Batch {
  const operations =
    typeof value === "object" && value !== null && "operations" in value ? value["operations"] : null;
  if (Array.isArray(operations) && operations.length > BATCH_OPERATIONS_MAX) {
    throw new Problem("too-large", {
      detail: `The batch has ${operations.length} operations; at most ${BATCH_OPERATIONS_MAX} are allowed`,
      field: "/operations",
    });
  }
  const parsed = batchSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = (issue?.path ?? []).map((step) => (typeof step === "symbol" ? String(step) : step));
    if (issue?.code === "unrecognized_keys" && issue.keys[0] !== undefined) path.push(issue.keys[0]);
    throw fieldProblem({ path, message: issue?.message ?? "is invalid" }, value);
  }
  if (parsed.data.device_id?.startsWith(SUBJECT_DEVICE_PREFIX)) {
    throw fieldProblem(
      { path: ["device_id"], message: `must not start with ${SUBJECT_DEVICE_PREFIX}` },
      value,
    );
  }
  return parsed.data;
}
