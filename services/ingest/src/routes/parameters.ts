import { idSchema, wholeNumber } from "@syncline/shared/schemas";
import { z } from "zod";

/** The largest number of items in an answer. */
export function limitParameter(options: { most: number; default: number }) {
  return wholeNumber({ min: 1, max: options.most }).default(options.default);
}

/** Parameters of every reader of the feed: its position, its collections, and the epoch of its position. */
export const feedParameters = {
  since: wholeNumber({ min: 0 }).default(0).describe("The `next` of the previous page, a seq"),
  collections: z
    .string()
    .transform((list) => list.split(","))
    .pipe(z.array(idSchema))
    .optional()
    .describe("A comma-separated list; by default all collections are read"),
  epoch: idSchema.optional().describe("The epoch of `since`"),
};
