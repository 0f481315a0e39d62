import type { JsonObject } from "@syncline/shared/document";
import { CONFLICT_STRATEGIES } from "@syncline/shared/merge";
import {
  BATCH_STATUSES,
  ERROR_TYPES,
  LEDGER_STATUSES,
  OPERATION_KINDS,
  RESULT_STATUSES,
  CONFLICT_STATUSES,
  DECISION_CHOICES,
  type BatchId,
  type BatchResult,
  type ChangeBody,
  type ChangesBody,
  type ConflictData,
  type DocumentBody,
  type HistoryBody,
  type HistoryChangeBody,
  type OperationResult,
  type SentOperationBody,
} from "@syncline/shared/protocol";
import { jsonPatchStepSchema } from "@syncline/shared/schemas";
import { z } from "zod";
import type { OperationBody, OperationLifeBody } from "../core/operation-life.ts";
import { exactly } from "./exactly.ts";

// Schemas of the answers. They are strict, so that checking an answer finds every field that is sent but not declared
// here.

const time = z.iso.datetime();
const count = z.int().min(0);
const json = z.custom<JsonObject>().meta({ type: "object" });
const uuid = z.uuid();
const operationKind = z.enum(OPERATION_KINDS);

export const conflictDataBody = exactly<ConflictData>()(
  z.strictObject({
    expected_version: count.nullable(),
    current_version: count,
    conflict_id: uuid.exactOptional(),
  }),
);

export const operationResultBody = exactly<OperationResult>()(
  z.strictObject({
    client_id: z.string(),
    status: z.enum(RESULT_STATUSES),
    document_id: z.string().exactOptional(),
    version: count.exactOptional(),
    seq: count.exactOptional(),
    merged: z.literal(true).exactOptional(),
    decided: z.enum(DECISION_CHOICES).exactOptional(),
    conflict_id: uuid.exactOptional(),
    overlaps: count.exactOptional(),
    rounds: count.exactOptional(),
    replayed: z.literal(true).exactOptional(),
    data: json.nullable().exactOptional(),
    read_again: z.literal(true).exactOptional(),
    error: z.string().exactOptional(),
    error_type: z.enum(ERROR_TYPES).exactOptional(),
    conflict_data: conflictDataBody.exactOptional(),
  }),
);

export const batchResultBody = exactly<BatchResult>()(
  z.strictObject({
    batch_id: uuid,
    status: z.enum(BATCH_STATUSES),
    total: count,
    successful: count,
    failed: count,
    processing_time_ms: count,
    results: z.array(operationResultBody),
    clock_skew_ms: count.exactOptional(),
  }),
);

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

export const changeBody = exactly<ChangeBody>()(
  z.strictObject({
    seq: count,
    collection: z.string(),
    document_id: z.string(),
    version: count,
    deleted: z.boolean(),
    data: json.nullable(),
    device_id: z.string().nullable(),
    committed_at: time,
  }),
);

export const changesBody = exactly<ChangesBody>()(
  z.strictObject({
    epoch: z.string(),
    changes: z.array(changeBody),
    next: count,
    more: z.boolean(),
  }),
);

export const historyChangeBody = exactly<HistoryChangeBody>()(
  changeBody.extend({
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

export const operationBody = exactly<OperationBody>()(
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

export const conflictSummaryBody = z.strictObject({
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
    operation: operationKind,
    collection: z.string(),
    document_id: z.string(),
    data: json.exactOptional(),
    patch: z.array(jsonPatchStepSchema).exactOptional(),
    expected_version: count.exactOptional(),
    ancestor: json.exactOptional(),
    timestamp: count.exactOptional(),
    group: z.string().exactOptional(),
  }),
);

const overlap = z.looseObject({ path: z.string(), chosen: z.string() });

/** The document's current version, and the three documents that the merge saw, or would see now. */
const sides = {
  version: count,
  ancestor: json.nullable(),
  remote: json.nullable(),
  local: json.nullable(),
  too_costly: z.literal(true).optional(),
};

export const conflictBody = conflictSummaryBody.omit({ operation_count: true }).extend({
  hook: z.string().nullable(),
  operations: z.array(runOperationBody),
  result: json.nullable(),
  overlaps: z.array(overlap).nullable(),
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
  ...sides,
});

const option = z.strictObject({ document: json.nullable(), overlaps: z.array(overlap) });
const strategyOption = option.extend({ reason: z.string().nullable() });

export const previewBody = z.strictObject({
  conflict_id: uuid,
  status: z.enum(CONFLICT_STATUSES),
  ...sides,
  choices: z.strictObject({ server: option, local: option.nullable(), merged: option.nullable() }),
  strategies: z
    .strictObject({
      merge: strategyOption,
      "client-wins": strategyOption,
      "server-wins": strategyOption,
      "last-write-wins": strategyOption,
      manual: strategyOption,
    })
    .nullable(),
});
