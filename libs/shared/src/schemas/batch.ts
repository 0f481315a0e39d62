import { CONFLICT_STRATEGIES } from "../merge/conflict-strategy.ts";
import { z } from "zod";
import { idSchema, operationSchema, type Operation } from "./operation.ts";

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
            message: "is already used by another operation of this batch",
          });
        }
        seen.add(operation.client_id);
      });
      for (const index of findStraddled(operations)) {
        context.addIssue({
          code: "custom",
          path: [index, "group"],
          message:
            "must be the group of the operations around it, because the operation names one of their documents",
        });
      }
    }),
});

/**
 * Finds operations between the members of a group that name one of its documents. A group takes effect together:
 * before it or after it, such an operation would overtake another one on its document.
 */
function findStraddled(operations: readonly Operation[]): number[] {
  if (operations.every((operation) => operation.group === undefined)) return [];
  const places = operations.map(({ group, collection, ...operation }, index) => {
    const id = operation.document_id ?? ("data" in operation ? operation.data?.["id"] : undefined);
    // A document without an id yet is named by no other operation.
    return { group, index, document: JSON.stringify([collection, id ?? index]) };
  });
  return places.flatMap(({ group, index, document }) => {
    const straddles = places.some(
      (member) =>
        member.group !== undefined &&
        member.group !== group &&
        member.document === document &&
        places.some((before) => before.group === member.group && before.index < index) &&
        places.some((after) => after.group === member.group && after.index > index),
    );
    return straddles ? [index] : [];
  });
}

export type Batch = z.infer<typeof batchSchema>;
