import { z } from "zod";
import { idSchema, operationSchema } from "./operation.ts";

/** Most operations a batch may carry. */
export const BATCH_OPERATIONS_MAX = 100;
/** Most bytes a request body may have, before and after decompression. */
export const BATCH_BYTES_MAX = 10 * 1024 * 1024;

/** What decides where both sides changed the same place. */
export const CONFLICT_STRATEGIES = [
  "merge",
  "report",
  "client-wins",
  "server-wins",
  "last-write-wins",
  "manual",
] as const;
export type ConflictStrategy = (typeof CONFLICT_STRATEGIES)[number];

/** The body of `POST /api/v1/documents/batch`. */
export const batchSchema = z.strictObject({
  workspace_id: idSchema,
  device_id: idSchema.optional(),
  atomic: z.boolean().default(false),
  on_conflict: z.enum(CONFLICT_STRATEGIES).optional(),
  epoch: idSchema.optional(),
  operations: z
    .array(operationSchema)
    .min(1)
    .superRefine((operations, context) => {
      const seen = new Set<string>();
      operations.forEach((operation, index) => {
        if (seen.has(operation.client_id)) {
          context.addIssue({
            code: "custom",
            path: [index, "client_id"],
            message: "stands twice in this batch",
          });
        }
        seen.add(operation.client_id);
      });
    }),
});
export type Batch = z.infer<typeof batchSchema>;
