import { z } from "zod";
import { idSchema } from "./operation.ts";

export const CONFLICT_STATUSES = ["open", "parked", "reported", "resolved"] as const;

/** What a listing of conflicts can be asked for. */
export const conflictQuerySchema = z.object({
  status: z.enum(CONFLICT_STATUSES).optional(),
  collection: idSchema.optional(),
  document_id: idSchema.optional(),
  device_id: z
    .string()
    .max(300)
    .optional()
    .describe("One that stands for a subject may be longer than an id"),
  since: z.iso.datetime({ offset: true }).optional().describe("Opened at this time or later"),
  until: z.iso.datetime({ offset: true }).optional().describe("Opened before this time"),
  before: z.uuid().optional().describe("The `next` of the page before"),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
