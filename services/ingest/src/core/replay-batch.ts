import type { AcceptedBatch, OperationContent, DeviceId, WorkspaceId } from "@syncline/shared/protocol";
import type { Acceptance } from "./accept-batch.ts";

/**
 * Builds a batch that sends one operation that ended as an error again: the same operation of the same device,
 * evaluated anew.
 */
export function replayBatch(
  {
    workspaceId,
    deviceId,
    content,
  }: { workspaceId: WorkspaceId; deviceId: DeviceId; content: OperationContent },
  { batchId, subject, requestId, replyTo, nowMs }: Omit<Acceptance, "newId" | "fingerprint">,
): AcceptedBatch {
  const { operation, ...sentWith } = content;
  return {
    batchId,
    workspaceId,
    deviceId,
    subject,
    requestId,
    acceptedAtMs: nowMs,
    replyTo,
    atomic: false,
    ...sentWith,
    operations: [{ ...operation, position: 0, replay: true }],
  };
}
