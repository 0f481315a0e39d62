import { z } from "zod";
import { DECISION_CHOICES } from "../protocol/lane-entry.ts";
import { MET_STATUSES } from "../protocol/ledger-row.ts";
import { ERROR_ACTIONS, ERROR_TYPES } from "../protocol/operation-errors.ts";
import { RESULT_STATUSES, type ConflictData, type OperationResult } from "../protocol/result.ts";
import { exactly } from "./exactly.ts";
import { jsonObjectSchema } from "./json.ts";

const count = z.int().min(0);

/** The details of a conflict in a result. */
export const conflictDataSchema = exactly<ConflictData>()(
  z.object({
    expected_version: count.nullable(),
    current_version: count,
    conflict_id: z.uuid().exactOptional(),
    conflict_status: z.enum(MET_STATUSES).exactOptional(),
  }),
);

/** The result of one operation: in answers, in replies, and in the status of an accepted batch. */
export const operationResultSchema = exactly<OperationResult>()(
  z.object({
    client_id: z.string(),
    status: z.enum(RESULT_STATUSES),
    document_id: z.string().exactOptional(),
    version: count.exactOptional(),
    seq: count.exactOptional(),
    merged: z.literal(true).exactOptional(),
    decided: z.enum(DECISION_CHOICES).exactOptional(),
    conflict_id: z.uuid().exactOptional(),
    overlaps: count.exactOptional(),
    rounds: count.exactOptional(),
    replayed: z.literal(true).exactOptional(),
    data: jsonObjectSchema.nullable().exactOptional(),
    read_again: z.literal(true).exactOptional(),
    error: z.string().exactOptional(),
    error_type: z.enum(ERROR_TYPES).exactOptional(),
    action: z.enum(ERROR_ACTIONS).exactOptional(),
    conflict_data: conflictDataSchema.exactOptional(),
  }),
);
