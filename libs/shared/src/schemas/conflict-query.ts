import { CONFLICT_STATUSES } from "../protocol/conflict-status.ts";
import { z } from "zod";
import { idSchema } from "./operation.ts";
import { wholeNumber } from "./whole-number.ts";

/** Postgres counts and writes years before the year 1 differently. */
const EARLIEST_MS = Date.parse("0001-01-01T00:00:00Z");
/** JavaScript writes later years in a form that Postgres does not read. */
const LATEST_MS = Date.parse("9999-12-31T23:59:59.999Z");

/** A time, converted to UTC: Postgres accepts fewer offsets than RFC 3339 allows. */
const timeSchema = z.iso
  .datetime({ offset: true })
  .refine((time) => Date.parse(time) >= EARLIEST_MS, "must not be before the year 1")
  .refine((time) => Date.parse(time) <= LATEST_MS, "must not be after the year 9999")
  .transform((time) => new Date(time).toISOString());

/** The filters of a conflict listing. */
export const conflictQuerySchema = z.object({
  status: z.enum(CONFLICT_STATUSES).optional(),
  collection: idSchema.optional(),
  document_id: idSchema.optional(),
  device_id: z
    .string()
    .max(300)
    .regex(/^\P{Cc}+$/u, "must not be empty, nor contain control characters")
    .optional()
    .describe("The device, or the subject that stands in for it; a subject may be longer than an id"),
  since: timeSchema.optional().describe("Opened at this time or later"),
  until: timeSchema.optional().describe("Opened before this time"),
  before: z.uuid().optional().describe("The `next` of the previous page"),
  limit: wholeNumber({ min: 1, max: 500 }).default(100),
});
