import { identityOf, readQuery, requestIdOf, requireRole, type Identity } from "@syncline/kit/http";
import { Problem, type BatchHead } from "@syncline/shared/protocol";
import type { Policies } from "@syncline/shared/merge";
import { requireOverride } from "../core/require-override.ts";
import type { DeviceOwners } from "../io/device-owners.ts";
import type { HeldQueueLimit } from "../io/held-queue-limit.ts";
import type { PrepareBodies } from "../io/prepare-bodies.ts";
import { batchQuerySchema, requireSince, type BatchFeedOf } from "./batch-feed.ts";
import type { TakeBatch } from "./take-batch.ts";
import type { BodyHandler } from "./with-body.ts";

interface Deps {
  bodies: Pick<PrepareBodies, "batch">;
  deviceOwners: DeviceOwners;
  heldQueueLimit: HeldQueueLimit;
  policies: Policies;
  takeBatch: TakeBatch;
  batchFeedOf: BatchFeedOf;
  newId: () => string;
}

/** `POST /api/v1/documents/batch` accepts a batch of operations. */
export function createPostBatch(
  { bodies, deviceOwners, heldQueueLimit, policies, takeBatch, batchFeedOf, newId }: Deps,
  { replyTo }: { replyTo: string },
): BodyHandler<object> {
  return async (request, response, readBody) => {
    const identity = identityOf(response);
    const query = readQuery(batchQuerySchema, request);
    requireSince(query);
    requireSomeWriter(identity);
    const body = await readBody();
    const prepared = await bodies.batch(body, {
      batchId: newId(),
      subject: identity.subject,
      requestId: requestIdOf(response),
      replyTo,
      nowMs: Date.now(),
    });
    const { head } = prepared;
    requireRole(identity, head.workspaceId, "writer");
    requireOverride(head, identity.roleByWorkspace.get(head.workspaceId), policies);
    const readFeed = batchFeedOf(query, head);
    await requireOwnDevice(head);
    await heldQueueLimit.requireRoom(head);
    await takeBatch(request, response, { ...prepared, readFeed });
  };

  async function requireOwnDevice({
    workspaceId,
    deviceId,
    deviceDeclared,
    subject,
  }: BatchHead): Promise<void> {
    if (!deviceDeclared || (await deviceOwners.isOwner(workspaceId, deviceId, subject))) return;
    throw new Problem("device-taken", {
      detail: "This device_id belongs to another subject; use a new one for this subject",
    });
  }
}

/** Rejects a token without a writable workspace before the body is read, which names the workspace. */
function requireSomeWriter({ roleByWorkspace }: Identity): void {
  if ([...roleByWorkspace.values()].some((role) => role !== "reader")) return;
  if (roleByWorkspace.size === 0)
    throw new Problem("workspace-forbidden", { detail: "The token names no workspace" });
  throw new Problem("role-insufficient", {
    detail: "This route needs the role writer, and the token has it in no workspace",
  });
}
