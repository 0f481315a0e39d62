import { fieldProblem } from "@syncline/runtime";
import { idSchema } from "@syncline/shared";
import { z } from "zod";

/** @throws `invalid-field`, naming the parameter that is not acceptable */
export function readQuery<S extends z.ZodType>(schema: S, given: unknown): z.infer<S> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.map((step) => (typeof step === "number" ? step : String(step))) ?? [];
  throw fieldProblem({ path, message: issue?.message ?? "is not acceptable" }, null);
}

/** How many of something an answer holds at most. */
export function limitParameter(options: { most: number; default: number }) {
  return z.coerce.number().int().min(1).max(options.most).default(options.default);
}

/** What every reader of the feed says: from where on, of which collections, and in which history. */
export const feedParameters = {
  since: z.coerce.number().int().min(0).default(0).describe("The `next` of the page before, a seq"),
  collections: z
    .string()
    .transform((list) => list.split(","))
    .pipe(z.array(idSchema))
    .optional()
    .describe("A comma-separated list; without it all are read"),
  epoch: z.string().optional().describe("The epoch that `since` belongs to"),
};
