/**
 * The pure decisions on requests, for the test server of the client.
 *
 * @packageDocumentation
 */
export { acceptBatch, SUBJECT_DEVICE_PREFIX, type Acceptance } from "./accept-batch.ts";
export { batchAnswer } from "./batch-answer.ts";
export { carryingOf, withDocuments, type CarriedDocuments } from "./carried-documents.ts";
export { placeTextSchema, readCursor, writeCursor } from "./cursor.ts";
export { decisionBatch, type DecisionBody } from "./decision-batch.ts";
export { readEventId, writeEventId, type ConflictCursor, type EventCursor } from "./event-cursor.ts";
export { gone, goneAt, type Gone } from "./gone.ts";
export { acceptedLife, operationLife, type OperationStory } from "./operation-life.ts";
export { readPrefer, type Preferences } from "./prefer.ts";
export { prepareBatch, type PreparedBatch } from "./prepare-batch.ts";
export { prepareDecision } from "./prepare-decision.ts";
export { requireOverride } from "./require-override.ts";
