import { cutText, type Json } from "@syncline/shared/document";
import { BATCH_OPERATIONS_MAX, Problem, fieldProblem, type OperationFault } from "@syncline/shared/protocol";
import type { z } from "zod";
import { batchSchema, type Batch } from "@syncline/shared/schemas";
import { SUBJECT_DEVICE_PREFIX } from "./accept-batch.ts";

/** Limit on each text in a list of faults, which may have one for each operation. */
const FAULT_CHARS_MAX = 300;

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
  if (!parsed.success) throw batchProblem(parsed.error.issues, value);
  if (parsed.data.device_id?.startsWith(SUBJECT_DEVICE_PREFIX)) {
    throw fieldProblem(
      { path: ["device_id"], message: `must not start with ${SUBJECT_DEVICE_PREFIX}` },
      value,
    );
  }
  return parsed.data;
}

/** The problem of the first issue; if several operations are invalid, it lists the first issue of each. */
function batchProblem(issues: readonly z.core.$ZodIssue[], body: Json): Problem {
  const [first] = issues;
  const problem =
    first === undefined ? fieldProblem({ path: [], message: "is invalid" }, body) : issueProblem(first, body);
  const byIndex = Map.groupBy(issues, indexOf);
  byIndex.delete(undefined);
  if (byIndex.size < 2) return problem;
  const errors = [...byIndex].flatMap(([index = 0, [issue]]) =>
    issue === undefined ? [] : [faultOf(index, issueProblem(issue, body))],
  );
  return new Problem("invalid-field", { ...problem.details, errors });
}

function issueProblem(issue: z.core.$ZodIssue, body: Json): Problem {
  const path = issue.path.map((step) => (typeof step === "symbol" ? String(step) : step));
  if (issue.code === "unrecognized_keys" && issue.keys[0] !== undefined) path.push(issue.keys[0]);
  return fieldProblem({ path, message: issue.message }, body);
}

/** The index of the operation that an issue is about. */
function indexOf({ path: [first, index] }: z.core.$ZodIssue): number | undefined {
  return first === "operations" && typeof index === "number" ? index : undefined;
}

function faultOf(
  index: number,
  { details: { operation, field = "", detail = "" } }: Problem,
): OperationFault {
  return {
    index,
    ...(operation !== undefined && { operation }),
    field: cutText(field, FAULT_CHARS_MAX),
    detail: cutText(detail, FAULT_CHARS_MAX),
  };
}
