import { fieldProblem } from "@syncline/shared/protocol";
import { idSchema, wholeNumber } from "@syncline/shared/schemas";
import { z } from "zod";

/** The largest number of items in an answer. */
export function limitParameter(options: { most: number; default: number }) {
  return wholeNumber({ min: 1, max: options.most }).default(options.default);
}

/** A list of collections to read. */
export const collectionsParameter = z
  .string()
  .transform((list) => list.split(","))
  .pipe(z.array(idSchema))
  .optional()
  .describe("A comma-separated list; by default all collections are read");

/** Parameters of every reader of the feed: its position, its collections, the epoch of its position, and its device. */
export const feedParameters = {
  since: wholeNumber({ min: 0 }).default(0).describe("The `next` of the previous page, a seq"),
  collections: collectionsParameter,
  epoch: idSchema.optional().describe("The epoch of `since`"),
  device_id: idSchema.optional().describe("The reading device, for the outcomes of its operations"),
  settled_since: wholeNumber({ min: 0 })
    .optional()
    .describe("The `settled_next` of the previous page; by default the outcomes after `since` are read"),
};

/** @throws {@link Problem} `invalid-field` for a position in the outcomes of no device */
export function requireDevice(query: {
  device_id?: string | undefined;
  settled_since?: number | undefined;
}): void {
  if (query.settled_since === undefined || query.device_id !== undefined) return;
  throw fieldProblem({ path: ["settled_since"], message: "needs device_id" }, null);
}
