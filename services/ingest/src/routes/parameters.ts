import { idSchema, wholeNumber } from "@syncline/shared";
import { z } from "zod";

/** How many items an answer holds at most. */
export function limitParameter(options: { most: number; default: number }) {
  return wholeNumber({ min: 1, max: options.most }).default(options.default);
}

/** Every reader of the feed says from where on it reads, which collections, and in which history. */
export const feedParameters = {
  since: wholeNumber({ min: 0 }).default(0).describe("The `next` of the page before, a seq"),
  collections: z
    .string()
    .transform((list) => list.split(","))
    .pipe(z.array(idSchema))
    .optional()
    .describe("A comma-separated list; without it all are read"),
  epoch: idSchema.optional().describe("The epoch that `since` belongs to"),
};
