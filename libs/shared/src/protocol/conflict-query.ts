import { z } from "zod";
import { idSchema } from "./operation.ts";
import { wholeNumber } from "./whole-number.ts";

export const CONFLICT_STATUSES = ["open", "parked", "reported", "resolved"] as const;

/** Before the year 1 Postgres counts, and writes, in another way. */
const EARLIEST_MS = Date.parse("0001-01-01T00:00:00Z");
/** After it JavaScript writes years as Postgres does not read them. */
const LATEST_MS = Date.parse("9999-12-31T23:59:59.999Z");

/** A time in UTC: Postgres takes fewer offsets than RFC 3339 has. */
const timeSchema = z.iso
  .datetime({ offset: true })
  .refine((time) => Date.parse(time) >= EARLIEST_MS, "must not be before the year 1")
  .refine((time) => Date.parse(time) <= LATEST_MS, "must not be after the year 9999")
  .transform((time) => new Date(time).toISOString());

/** What a listing of conflicts can be asked for. */
export const conflictQuerySchema = z.object({
  status: z.enum(CONFLICT_STATUSES).optional(),
  collection: idSchema.optional(),
  document_id: idSchema.optional(),
  device_id: z
    .string()
    .max(300)
    .regex(/^\P{Cc}+$/u, "must not be empty, nor contain control characters")
    .optional()
    .describe("One that stands for a subject may be longer than an id"),
  since: timeSchema.optional().describe("Opened at this time or later"),
  until: timeSchema.optional().describe("Opened before this time"),
  before: z.uuid().optional().describe("The `next` of the page before"),
  limit: wholeNumber({ min: 1, max: 500 }).default(100),
});
