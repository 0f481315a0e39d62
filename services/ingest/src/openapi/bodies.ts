import {
  BATCH_STATUSES,
  ERROR_TYPES,
  LEDGER_STATUSES,
  OPERATION_KINDS,
  ROLES,
  type BatchFeed,
  type BatchResult,
  type ChangeBody,
  type ChangesBody,
  type DocumentBody,
  type DocumentsBody,
  type WorkspacesBody,
  type HistoryBody,
  type HistoryChangeBody,
} from "@syncline/shared/protocol";
import {
  conflictDataSchema,
  exactly,
  jsonObjectSchema as json,
  operationResultSchema,
} from "@syncline/shared/schemas";
import { z } from "zod";
import type { OperationBody, OperationLifeBody } from "../core/operation-life.ts";

// Schemas of the answers. They are strict, so that checking an answer finds every field that is sent but not declared
// here.

const time = z.iso.datetime();
const count = z.int().min(0);
const uuid = z.uuid();
const operationKind = z.enum(OPERATION_KINDS);

const operationResultBody = operationResultSchema
  .extend({ conflict_data: conflictDataSchema.strict().exactOptional() })
  .strict();

export const documentBody = exactly<DocumentBody>()(
  z.strictObject({
    workspace_id: z.string(),
    collection: z.string(),
    document_id: z.string(),
    version: count,
    seq: count,
    data: json,
    updated_at: time,
  }),
);

export const documentsBody = exactly<DocumentsBody>()(
  z.strictObject({ documents: z.array(documentBody), next: z.string().nullable(), more: z.boolean() }),
);

export const workspacesBody = exactly<WorkspacesBody>()(
  z.strictObject({
    workspaces: z.array(
      z.strictObject({ workspace_id: z.string(), role: z.enum(ROLES), epoch: z.string(), seq: count }),
    ),
  }),
);

const changeBody = exactly<ChangeBody>()(
  z.strictObject({
    seq: count,
    collection: z.string(),
    document_id: z.string(),
    version: count,
    deleted: z.boolean(),
    data: json.nullable(),
    device_id: z.string().nullable(),
    committed_at: time,
    client_ids: z.array(z.string()).exactOptional(),
  }),
);

export const changesBody = exactly<ChangesBody>()(
  z.strictObject({
    epoch: z.string(),
    changes: z.array(changeBody),
    next: count,
    more: z.boolean(),
    settled: z.array(operationResultBody).exactOptional(),
    settled_next: count.exactOptional(),
  }),
);

export const batchResultBody = exactly<BatchResult & BatchFeed>()(
  z.strictObject({
    batch_id: uuid,
    status: z.enum(BATCH_STATUSES),
    total: count,
    successful: count,
    failed: count,
    processing_time_ms: count,
    results: z.array(operationResultBody),
    clock_skew_ms: count.exactOptional(),
    feed: changesBody.exactOptional(),
    feed_problem: z
      .record(z.string(), z.unknown())
      .exactOptional()
      .describe("The problem that the feed would answer with, instead of `feed`"),
  }),
);

const historyChangeBody = exactly<HistoryChangeBody>()(
  changeBody.omit({ client_ids: true }).extend({
    first_version: count,
    ended: json.optional(),
  }),
);

export const historyBody = exactly<HistoryBody>()(
  z.strictObject({
    changes: z.array(historyChangeBody),
    next: count.nullable(),
    more: z.boolean(),
  }),
);

const operationBody = exactly<OperationBody>()(
  z.strictObject({
    client_id: z.string(),
    device_id: z.string(),
    batch_id: uuid,
    operation: operationKind,
    collection: z.string(),
    document_id: z.string().nullable(),
    status: z.enum(LEDGER_STATUSES),
    result: operationResultBody,
    reason: z
      .strictObject({
        error_type: z.enum(ERROR_TYPES).nullable(),
        error: z.string(),
        expected_version: count.nullable(),
        current_version: count.nullable(),
      })
      .nullable(),
    conflict_id: uuid.nullable(),
    subject: z.string(),
    request_id: z.string(),
    trace_id: z.string().nullable(),
    accepted_at: time,
    settled_at: time.nullable(),
    replayable: z.boolean(),
  }),
);

export const operationLifeBody = exactly<OperationLifeBody>()(
  operationBody.extend({
    drained_at: time.nullable(),
    applied: z.strictObject({ seq: count, committed_at: time }).nullable(),
    folded_into: z.strictObject({ seq: count, first_version: count, version: count }).nullable(),
    rounds: count.nullable(),
    held_behind: uuid.nullable(),
    conflict: z
      .strictObject({
        conflict_id: uuid,
        status: z.string(),
        strategy: z.string(),
        round: count,
        reason: z.string().nullable(),
        next_round_by: time.nullable(),
      })
      .nullable(),
  }),
);

export const operationsBody = z.strictObject({
  operations: z.array(operationBody),
  next: z.string().nullable(),
  more: z.boolean(),
});
