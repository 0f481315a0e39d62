import { DEFAULT_COLLECTION, PRIORITIES } from "../protocol/operation-kind.ts";
import { CONFLICT_STRATEGIES } from "../merge/conflict-strategy.ts";
import type { JsonPatchStep } from "../document/json-patch-step.ts";
import { z } from "zod";
import { exactly } from "./exactly.ts";
import { jsonObjectSchema, jsonSchema } from "./json.ts";

/** An id on the wire: 1 to 200 characters, none of them a control character. */
export const idSchema = z
  .string()
  .min(1)
  .max(200)
  .refine((id) => !/\p{Cc}/u.test(id), "must not contain control characters")
  .refine((id) => id.isWellFormed(), "must not contain an unpaired surrogate");

// A regular expression for the whole pointer would exhaust the stack on megabytes.
const pointerSchema = z
  .string()
  .refine(
    (path) => (path === "" || path.startsWith("/")) && !/~(?![01])/.test(path),
    "must be a JSON Pointer (RFC 6901)",
  )
  .refine((path) => !path.split("/").includes("__proto__"), "must not name __proto__");

/** One step of a JSON Patch (RFC 6902). */
export const jsonPatchStepSchema = exactly<JsonPatchStep>()(
  z.discriminatedUnion("op", [
    z.object({ op: z.literal("add"), path: pointerSchema, value: jsonSchema }),
    z.object({ op: z.literal("remove"), path: pointerSchema }),
    z.object({ op: z.literal("replace"), path: pointerSchema, value: jsonSchema }),
    z.object({ op: z.literal("move"), from: pointerSchema, path: pointerSchema }),
    z.object({ op: z.literal("copy"), from: pointerSchema, path: pointerSchema }),
    z.object({ op: z.literal("test"), path: pointerSchema, value: jsonSchema }),
  ]),
);

const common = {
  client_id: idSchema.describe(
    "The operation's id, chosen by the client; the key by which a resend is recognised",
  ),
  collection: idSchema.default(DEFAULT_COLLECTION),
  expected_version: z
    .int()
    .min(0)
    .optional()
    .describe("The version of the document that the user saw, never a predicted one"),
  timestamp: z.int().min(0).optional().describe("The client's clock, milliseconds since 1970"),
  priority: z.enum(PRIORITIES).default("normal"),
  group: idSchema.optional().describe("Operations of one group take effect together or not at all"),
  on_conflict: z
    .enum(CONFLICT_STRATEGIES)
    .optional()
    .describe("The strategy for a conflict of this operation, over the batch's"),
  ancestor: jsonObjectSchema
    .optional()
    .describe("The document at `expected_version`, in case history no longer has it"),
};

const createSchema = z.strictObject({
  operation: z.literal("create"),
  document_id: idSchema.optional(),
  data: jsonObjectSchema,
  ...common,
});
const putSchema = z.strictObject({
  operation: z.literal("put"),
  document_id: idSchema,
  data: jsonObjectSchema,
  ...common,
});
const updateSchema = z.strictObject({
  operation: z.literal("update"),
  document_id: idSchema,
  data: jsonObjectSchema.optional().describe("A JSON Merge Patch (RFC 7396)"),
  patch: z.array(jsonPatchStepSchema).max(1000).optional().describe("A JSON Patch (RFC 6902)"),
  ...common,
});
const deleteSchema = z.strictObject({
  operation: z.literal("delete"),
  document_id: idSchema,
  ...common,
});

/** One create, put, update or delete of one document, as a client sends it. */
export const operationSchema = z
  .discriminatedUnion("operation", [createSchema, putSchema, updateSchema, deleteSchema])
  .superRefine((operation, context) => {
    if (
      operation.operation === "update" &&
      (operation.data === undefined) === (operation.patch === undefined)
    ) {
      context.addIssue({
        code: "custom",
        path: ["data"],
        message: "an update must carry either data or patch",
      });
    }
    if (operation.operation === "delete") return;
    const inner = operation.data?.["id"];
    if (inner === undefined) return;
    if (operation.document_id !== undefined && inner !== operation.document_id) {
      context.addIssue({ code: "custom", path: ["data", "id"], message: "differs from document_id" });
    }
    if (operation.operation === "create" && operation.document_id === undefined) {
      const parsed = idSchema.safeParse(inner);
      if (!parsed.success) {
        context.addIssue({
          code: "custom",
          path: ["data", "id"],
          message: "must be an id: a string of 1 to 200 characters",
        });
      }
    }
  });
export type Operation = z.infer<typeof operationSchema>;
