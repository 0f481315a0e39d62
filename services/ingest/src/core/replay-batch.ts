import type { AcceptedBatch, OperationContent } from "@syncline/shared";
import type { Acceptance } from "./accept-batch.ts";

/** A batch of one that sends again what ended as an error: the same operation of the same device, judged anew. */
export function replayBatch(
  { workspaceId, deviceId, content }: { workspaceId: string; deviceId: string; content: OperationContent },
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
