import { Problem, fieldProblem } from "@syncline/runtime";
import { BATCH_OPERATIONS_MAX, batchSchema, type Batch, type Json } from "@syncline/shared";
import { SUBJECT_DEVICE_PREFIX } from "./accept-batch.ts";
import { BODY_VALUES_MAX, parseJson } from "./parse-json.ts";

/**
 * Reads the body of a batch request.
 * @throws {@link Problem} `not-json`, `too-large` or `invalid-field`, naming the operation and the field
 */
export function readBatch(body: Uint8Array): Batch {
  const value = readJson(body);
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
    throw fieldProblem({ path, message: issue?.message ?? "is not acceptable" }, value);
  }
  if (parsed.data.device_id?.startsWith(SUBJECT_DEVICE_PREFIX)) {
    throw fieldProblem(
      { path: ["device_id"], message: `must not start with ${SUBJECT_DEVICE_PREFIX}` },
      value,
    );
  }
  return parsed.data;
}

/**
 * Parses a body, and refuses what could not be stored as it is.
 * @throws {@link Problem} `not-json` or `invalid-field`
 */
export function readJson(body: Uint8Array): Json {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw new Problem("not-json", { detail: "The body is not UTF-8" });
  }
  const parsed = parseJson(text);
  switch (parsed.kind) {
    case "json":
      return parsed.value;
    case "not-json":
      throw new Problem("not-json", { detail: "The body cannot be parsed as JSON" });
    case "too-many-values":
      throw new Problem("too-large", {
        detail: `The body holds more than ${BODY_VALUES_MAX} values and keys`,
      });
    case "fault":
      throw fieldProblem(parsed.fault, JSON.parse(text));
    default:
      return parsed satisfies never;
  }
}
