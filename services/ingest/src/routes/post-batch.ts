import { identityOf, requestIdOf, requireRole } from "@syncline/runtime";
import { PRIORITIES, type Batch, type Policies } from "@syncline/shared";
import { acceptBatch } from "../core/accept-batch.ts";
import { readBatch } from "../core/read-batch.ts";
import { requireOverride } from "../core/require-override.ts";
import type { DeviceOwners } from "../io/device-owners.ts";
import { fingerprint } from "../io/fingerprint.ts";
import type { FullRuns } from "../io/full-runs.ts";
import type { TakeBatch } from "./take-batch.ts";
import type { BodyHandler } from "./with-body.ts";

interface Deps {
  deviceOwners: DeviceOwners;
  fullRuns: FullRuns;
  policies: Policies;
  takeBatch: TakeBatch;
  newId: () => string;
}

/** `POST /api/v1/documents/batch`: takes a batch of operations. */
export function createPostBatch(
  { deviceOwners, fullRuns, policies, takeBatch, newId }: Deps,
  { replyTo }: { replyTo: string },
): BodyHandler<object> {
  return async (request, response, json) => {
    const nowMs = Date.now();
    const identity = identityOf(response);
    const body = readBatch(json);
    requireRole(identity, body.workspace_id, "writer");
    requireOverride(body, identity.roleByWorkspace.get(body.workspace_id), policies);
    if (body.device_id !== undefined) {
      await deviceOwners.check(body.workspace_id, body.device_id, identity.subject);
    }
    const accepted = acceptBatch(body, {
      batchId: newId(),
      subject: identity.subject,
      requestId: requestIdOf(response),
      replyTo,
      nowMs,
      newId,
      fingerprint,
    });
    await fullRuns.requireRoom(accepted.batch);
    await takeBatch(request, response, { ...accepted, urgent: isUrgent(body) });
  };
}

function isUrgent(batch: Batch): boolean {
  return batch.operations.some(
    (operation) => PRIORITIES.indexOf(operation.priority) < PRIORITIES.indexOf("normal"),
  );
}
