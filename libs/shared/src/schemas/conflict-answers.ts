import { z } from "zod";
import type { BatchId } from "../ids/ids.ts";
import { CONFLICT_STRATEGIES } from "../merge/conflict-strategy.ts";
import { CONFLICT_STATUSES } from "../protocol/conflict-status.ts";
import { DECISION_CHOICES } from "../protocol/lane-entry.ts";
import { OPERATION_KINDS } from "../protocol/operation-kind.ts";
import type { SentOperationBody } from "../protocol/sent-operation.ts";
import { exactly } from "./exactly.ts";
import { jsonObjectSchema as json } from "./json.ts";
import { mergeInputsSchema, overlapSchema } from "./lane-entry.ts";
import { jsonPatchStepSchema } from "./operation.ts";

// Schemas of the conflict service's answers. Ingest passes them on, except for the last one, which it reads itself.
// They are strict, so that checking an answer finds every field that is sent but not declared here.

const time = z.iso.datetime();
const count = z.int().min(0);
const uuid = z.uuid();

const conflictSummaryBody = z.strictObject({
  conflict_id: uuid,
  collection: z.string(),
  document_id: z.string(),
  device_id: z.string(),
  status: z.enum(CONFLICT_STATUSES),
  strategy: z.enum(CONFLICT_STRATEGIES),
  round: count,
  base_version: count.nullable(),
  current_version: count,
  resolved_version: count.nullable(),
  resolved_seq: count.nullable(),
  reason: z.string().nullable(),
  operation_count: count,
  opened_at: time,
  updated_at: time,
});

/** A page of a workspace's conflict records. */
export const conflictsBody = z.strictObject({
  conflicts: z.array(conflictSummaryBody),
  next: uuid.nullable(),
  more: z.boolean(),
});

/** An operation of a device's run as the device sent it. */
const runOperationBody = exactly<SentOperationBody & { batch_id: BatchId }>()(
  z.strictObject({
    batch_id: uuid,
    client_id: z.string(),
    operation: z.enum(OPERATION_KINDS),
    collection: z.string(),
    document_id: z.string(),
    data: json.exactOptional(),
    patch: z.array(jsonPatchStepSchema).exactOptional(),
    expected_version: count.exactOptional(),
    ancestor: json.exactOptional(),
    timestamp: count.exactOptional(),
    group: z.string().exactOptional(),
    on_conflict: z.enum(CONFLICT_STRATEGIES).exactOptional(),
  }),
);

const overlapBody = overlapSchema.strict();

/** The document's current version, and the three documents that the merge saw, or would see now. */
const conflictSidesBody = z.strictObject({
  /** The document's current version, which a decision names as `expected_version`. */
  version: count,
  ancestor: json.nullable(),
  remote: json.nullable(),
  local: json.nullable(),
  /** Present if computing the device's document exceeds the cost limit; then `local` has no meaning. */
  too_costly: z.literal(true).exactOptional(),
});
export type ConflictSides = z.infer<typeof conflictSidesBody>;

const conflictRecordBody = conflictSummaryBody.omit({ operation_count: true }).extend({
  hook: z.string().nullable(),
  operations: z.array(runOperationBody),
  result: json.nullable(),
  overlaps: z.array(overlapBody).nullable(),
  two_way: z.boolean().nullable(),
  decisions: z.array(
    z.strictObject({
      choice: z.enum(DECISION_CHOICES),
      subject: z.string(),
      client_id: z.string(),
      decided_at: time,
      replaced_version: count,
      replaced: json.nullable(),
      version: count,
    }),
  ),
  trace_id: z.string().nullable(),
  resolved_at: time.nullable(),
  open_ms: count.nullable(),
});

/** One conflict record with its documents. */
export const conflictBody = conflictRecordBody.extend(conflictSidesBody.shape);

/** A conflict record as lists and events show it. */
export type ConflictSummary = z.infer<typeof conflictSummaryBody>;
/** A value before `JSON.stringify`, which writes a `Date` as the time that the schema describes. */
type Unsent<T, Times extends keyof T> = {
  [K in keyof T]: K extends Times ? Date | Extract<T[K], null> : T[K];
};
export type UnsentSummary = Unsent<ConflictSummary, "opened_at" | "updated_at">;
export type UnsentRecord = Unsent<
  z.infer<typeof conflictRecordBody>,
  "opened_at" | "updated_at" | "resolved_at"
>;

const optionBody = z.strictObject({ document: json.nullable(), overlaps: z.array(overlapBody) });
const strategyOptionBody = optionBody.extend({ reason: z.string().nullable() });

/** The possible results of a conflict. */
export const previewBody = conflictSidesBody.extend({
  conflict_id: uuid,
  status: z.enum(CONFLICT_STATUSES),
  choices: z.strictObject({
    server: optionBody.nullable(),
    local: optionBody.nullable(),
    merged: optionBody.nullable(),
  }),
  strategies: z
    .strictObject({
      merge: strategyOptionBody,
      "client-wins": strategyOptionBody,
      "server-wins": strategyOptionBody,
      "last-write-wins": strategyOptionBody,
      manual: strategyOptionBody,
    })
    .nullable(),
});
export type PreviewAnswer = z.infer<typeof previewBody>;

/**
 * The document that a choice would write now, with the state that it depends on. Only ingest reads it. A newer conflict
 * service may add fields.
 */
export const decisionPreviewSchema = z.object({
  collection: z.string(),
  documentId: z.string(),
  deviceId: z.string(),
  status: z.enum(CONFLICT_STATUSES),
  revision: count,
  version: count,
  inputs: mergeInputsSchema,
  /** `null` deletes the document. Ignored for the choice `data`, whose document is in the request. */
  document: json.nullable(),
});
export type DecisionPreview = z.infer<typeof decisionPreviewSchema>;
