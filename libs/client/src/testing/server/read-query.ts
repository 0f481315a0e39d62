import { fieldProblem } from "@syncline/shared/protocol";
import type { z } from "zod";

/**
 * Reads the query of a request.
 * @throws `invalid-field`, with the name of an unknown, repeated or invalid parameter
 */
export function readQuery<Schema extends z.ZodObject>(
  schema: Schema,
  query: URLSearchParams,
): z.infer<Schema> {
  const known = Object.keys(schema.shape);
  const values: Record<string, string> = {};
  for (const [name, value] of query) {
    if (!known.includes(name)) {
      const message = known.length === 0 ? "which has none" : `it has ${known.join(", ")}`;
      throw fieldProblem({ path: [name], message: `is not a parameter of this route; ${message}` }, null);
    }
    if (name in values) throw fieldProblem({ path: [name], message: "is given more than once" }, null);
    values[name] = value;
  }
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = (issue?.path ?? []).map(String);
  throw fieldProblem({ path, message: issue?.message ?? "is invalid" }, null);
}
