import type { Json } from "@syncline/shared/document";
import {
  orderOperations,
  type AcceptedBatch,
  type AcceptedOperation,
  type BatchId,
} from "@syncline/shared/protocol";
import type { Batch, Operation } from "@syncline/shared/schemas";

/** Ids and times that a batch is accepted with, fixed here once. */
export interface Acceptance {
  batchId: BatchId;
  subject: string;
  requestId: string;
  replyTo: string;
  nowMs: number;
  newId: () => string;
  /** Returns a digest of an operation's content. */
  fingerprint: (content: readonly (Json | undefined)[]) => string;
}

/** A batch ready for its lane, and the device's clock skew. */
export interface Accepted {
  batch: AcceptedBatch;
  /** Lead of the device's clock over the server's; 0 unless a timestamp lay in the future and was clamped. */
  clockSkewMs: number;
}

/**
 * Prefix of the device id of a batch that declares no device. A client must not send a `device_id` with this prefix.
 */
export const SUBJECT_DEVICE_PREFIX = "subject:";

export function acceptBatch(batch: Batch, acceptance: Acceptance): Accepted {
  const { subject, nowMs } = acceptance;
  const operations = batch.operations.map((operation, position) =>
    acceptOperation(operation, position, acceptance),
  );
  const skews = batch.operations.map((operation) => (operation.timestamp ?? 0) - nowMs);
  return {
    batch: {
      batchId: acceptance.batchId,
      workspaceId: batch.workspace_id,
      deviceId: batch.device_id ?? SUBJECT_DEVICE_PREFIX + subject,
      deviceDeclared: batch.device_id !== undefined,
      subject,
      requestId: acceptance.requestId,
      acceptedAtMs: nowMs,
      replyTo: acceptance.replyTo,
      atomic: batch.atomic,
      ...(batch.on_conflict === undefined ? {} : { onConflict: batch.on_conflict }),
      ...(batch.epoch === undefined ? {} : { epoch: batch.epoch }),
      operations: orderOperations(operations),
    },
    clockSkewMs: Math.max(0, ...skews),
  };
}

function acceptOperation(operation: Operation, position: number, acceptance: Acceptance): AcceptedOperation {
  const data = "data" in operation ? operation.data : undefined;
  const patch = "patch" in operation ? operation.patch : undefined;
  const { expected_version: expectedVersion, ancestor, timestamp, group, collection } = operation;
  const { on_conflict: onConflict } = operation;
  const givenId = operation.document_id ?? (operation.operation === "create" ? data?.["id"] : undefined);
  return {
    clientId: operation.client_id,
    position,
    kind: operation.operation,
    collection,
    ...(typeof givenId === "string"
      ? { documentId: givenId }
      : { documentId: acceptance.newId(), documentIdMade: true as const }),
    ...(data === undefined ? {} : { data }),
    ...(patch === undefined ? {} : { patch }),
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
    ...(ancestor === undefined ? {} : { ancestor }),
    ...(timestamp === undefined ? {} : { timestampMs: Math.min(timestamp, acceptance.nowMs) }),
    ...(group === undefined ? {} : { group }),
    ...(onConflict === undefined ? {} : { onConflict }),
    fingerprint: acceptance.fingerprint([
      operation.operation,
      collection,
      givenId,
      data,
      patch,
      expectedVersion,
    ]),
  };
}
