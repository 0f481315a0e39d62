import { z } from "zod";
import type { JsonPatchStep } from "../document/json-patch-step.ts";
import { CONFLICT_STRATEGIES } from "../merge/conflict-strategy.ts";
import type { EditTimes } from "../merge/edit-times.ts";
import type { Overlap } from "../merge/merge-three-way.ts";
import {
  DECISION_CHOICES,
  type AcceptedBatch,
  type AcceptedOperation,
  type Decision,
  type HookOutcome,
  type LaneEntry,
  type MergeInputs,
  type MergeOutcome,
  type RefusedOperation,
  type Resolution,
  type RisesTaken,
} from "../protocol/lane-entry.ts";
import { ERROR_TYPES } from "../protocol/operation-errors.ts";
import { OPERATION_KINDS } from "../protocol/operation-kind.ts";
import { exactly } from "./exactly.ts";
import { jsonObjectSchema, jsonSchema } from "./json.ts";

// Schemas of the entries on a lane. They check the shape on which the code relies; the content was checked when the
// batch was accepted. Unknown fields pass, because a newer version may have written them.

const text = z.string();
const count = z.int().min(0);
const document = jsonObjectSchema.nullable();
const timestamp = z.int().nullable();

const patchStepSchema = exactly<JsonPatchStep>()(
  z.discriminatedUnion("op", [
    z.object({ op: z.enum(["add", "replace", "test"]), path: text, value: jsonSchema }),
    z.object({ op: z.literal("remove"), path: text }),
    z.object({ op: z.enum(["move", "copy"]), from: text, path: text }),
  ]),
);

const editTimesSchema: z.ZodType<EditTimes> = z.object({
  at: timestamp.exactOptional(),
  anywhere: timestamp.exactOptional(),
  in: z.lazy(() => z.record(text, editTimesSchema)).exactOptional(),
});

/** A place that both sides changed. */
export const overlapSchema = exactly<Overlap>()(
  z.object({
    path: text,
    scope: z.enum(["order", "run", "words"]).exactOptional(),
    ancestor: jsonSchema.exactOptional(),
    remote: jsonSchema.exactOptional(),
    local: jsonSchema.exactOptional(),
    chosen: z.enum(["remote", "local"]),
    undecided: z.literal(true).exactOptional(),
    version: count.exactOptional(),
  }),
);

/** The device's side of a merge. */
export const mergeInputsSchema = exactly<MergeInputs>()(
  z.object({
    ancestor: document,
    local: document,
    localTimestampMs: timestamp,
    localTimes: editTimesSchema.exactOptional(),
  }),
);

const decisionSchema = exactly<Decision>()(
  z.object({
    conflictId: text,
    choice: z.enum(DECISION_CHOICES),
    revision: count,
    version: count,
    inputs: mergeInputsSchema,
  }),
);

const acceptedOperationSchema = exactly<AcceptedOperation>()(
  z.object({
    clientId: text,
    position: count,
    kind: z.enum(OPERATION_KINDS),
    collection: text,
    documentId: text,
    documentIdMade: z.literal(true).exactOptional(),
    data: jsonObjectSchema.exactOptional(),
    patch: z.array(patchStepSchema).exactOptional(),
    expectedVersion: count.exactOptional(),
    versionUnknown: z.literal(true).exactOptional(),
    ancestor: jsonObjectSchema.exactOptional(),
    timestampMs: z.int().exactOptional(),
    group: text.exactOptional(),
    onConflict: z.enum(CONFLICT_STRATEGIES).exactOptional(),
    fingerprint: text,
    replay: z.literal(true).exactOptional(),
    decision: decisionSchema.exactOptional(),
  }),
);

const acceptedBatchSchema = exactly<AcceptedBatch>()(
  z.object({
    batchId: text,
    workspaceId: text,
    deviceId: text,
    deviceDeclared: z.boolean(),
    subject: text,
    requestId: text,
    acceptedAtMs: z.int(),
    replyTo: text,
    atomic: z.boolean(),
    onConflict: z.enum(CONFLICT_STRATEGIES).exactOptional(),
    epoch: text.exactOptional(),
    operations: z.array(acceptedOperationSchema),
  }),
);

const refusedOperationSchema = exactly<RefusedOperation>()(
  z.object({ clientId: text, errorType: z.enum(ERROR_TYPES), message: text }),
);

const mergeOutcomeSchema = exactly<MergeOutcome>()(
  z.discriminatedUnion("kind", [
    z.object({
      kind: z.literal("commit"),
      document,
      overlaps: z.array(overlapSchema),
      twoWay: z.boolean(),
      refused: z.array(refusedOperationSchema),
      ended: jsonObjectSchema.exactOptional(),
    }),
    z.object({
      kind: z.literal("park"),
      reason: text,
      proposed: document,
      overlaps: z.array(overlapSchema),
    }),
  ]),
);

const risesTakenSchema = exactly<RisesTaken>()(
  z.object({
    seenVersion: count.nullable(),
    rose: z.enum(["live", "deleted"]).nullable(),
    refused: z.array(refusedOperationSchema),
    ended: document,
    overlaps: z.array(overlapSchema),
    twoWay: z.boolean(),
    resumes: mergeInputsSchema.extend({ ancestor: jsonObjectSchema, unseen: count }).exactOptional(),
  }),
);

const resolutionSchema = exactly<Resolution>()(
  z.object({
    workspaceId: text,
    collection: text,
    documentId: text,
    conflictId: text,
    round: count,
    expectedVersion: count,
    operationsCovered: count,
    outcome: mergeOutcomeSchema,
    inputs: mergeInputsSchema,
    rises: risesTakenSchema,
    isLastRound: z.boolean(),
    hook: exactly<HookOutcome>()(
      z.enum(["resolved", "deferred", "asked", "failed", "skipped"]),
    ).exactOptional(),
    strategy: z.enum(CONFLICT_STRATEGIES).exactOptional(),
  }),
);

const trace = z.record(text, text);

/** An entry of a lane's stream. */
export const laneEntrySchema = exactly<LaneEntry>()(
  z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("batch"), batch: acceptedBatchSchema, trace }),
    z.object({ kind: z.literal("resolution"), resolution: resolutionSchema, trace }),
  ]),
);
