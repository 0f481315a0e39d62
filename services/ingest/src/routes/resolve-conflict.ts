import { identityOf, requestIdOf, type Identity } from "@syncline/kit/http";
import {
  accepts,
  encodeBatch,
  Problem,
  type OperationResult,
  type ConflictId,
  type DeviceId,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import { decisionPreviewSchema, readWire, type DecisionPreview } from "@syncline/shared/schemas";
import type { Request, Response } from "express";
import { SUBJECT_DEVICE_PREFIX } from "../core/accept-batch.ts";
import { decisionBatch } from "../core/decision-batch.ts";
import type { AskConflictService } from "../io/conflict-service.ts";
import type { DeviceOwners } from "../io/device-owners.ts";
import { fingerprint } from "../io/fingerprint.ts";
import type { PrepareBodies } from "../io/prepare-bodies.ts";
import { passOn } from "./forward-conflicts.ts";
import type { TakeBatch } from "./take-batch.ts";
import type { BodyHandler } from "./with-body.ts";

interface Deps {
  askConflictService: AskConflictService;
  bodies: Pick<PrepareBodies, "decision">;
  deviceOwners: DeviceOwners;
  takeBatch: TakeBatch;
  newId: () => string;
}

type ConflictRequest = Request<{ workspaceId: WorkspaceId; conflictId: ConflictId }>;

/**
 * `POST …/conflicts/{id}/resolve` accepts a person's decision on a conflict, which goes through the lane like any other
 * operation. Writers decide the conflicts of their own devices, admins all. If the document or the record has changed
 * since the decision was made, the answer is 409 with the current state.
 */
export function createResolveConflict(
  { askConflictService, bodies, deviceOwners, takeBatch, newId }: Deps,
  { replyTo }: { replyTo: string },
): BodyHandler<{ workspaceId: WorkspaceId; conflictId: ConflictId }> {
  return async (request, response, readBody) => {
    const identity = identityOf(response);
    const { workspaceId, conflictId } = request.params;
    const body = await bodies.decision(await readBody(), identity.subject);
    const nowMs = Date.now();

    const answer = await preview(request, response, body.choice);
    if (!answer.ok) return passOn(answer, response);
    const previewed = await readPreview(answer);
    await requireOwnDevice(identity, workspaceId, previewed.deviceId);
    if (!accepts(previewed.status, "decided")) {
      throw new Problem("decision-outdated", {
        detail: "The conflict is being merged. It needs a decision only if the merge parks it",
        current_version: previewed.version,
        conflict_status: previewed.status,
      });
    }
    const batch = decisionBatch(
      { workspaceId, conflictId, body, previewed },
      {
        batchId: newId(),
        subject: identity.subject,
        requestId: requestIdOf(response),
        replyTo,
        nowMs,
        newId,
        fingerprint,
      },
    );
    await takeBatch(request, response, {
      ...encodeBatch(batch),
      // A person waits for the result.
      urgent: true,
      problemOf: ([result]) => outdated(request, response, result),
    });
  };

  /** Asks the conflict service for the document that a choice would write now. */
  function preview(
    request: ConflictRequest,
    response: Response,
    choice: string,
  ): Promise<globalThis.Response> {
    const { workspaceId, conflictId } = request.params;
    return askConflictService({
      path: `/api/v1/workspaces/${encodeURIComponent(workspaceId)}/conflicts/${encodeURIComponent(conflictId)}/decision`,
      search: `?choice=${choice}`,
      authorization: request.get("authorization") ?? "",
      requestId: requestIdOf(response),
    });
  }

  async function outdated(
    request: ConflictRequest,
    response: Response,
    result: OperationResult | undefined,
  ): Promise<Problem | undefined> {
    if (result?.error_type !== "decision_outdated") return undefined;
    const answer = await preview(request, response, "data");
    const now = answer.ok ? await readPreview(answer) : undefined;
    const currentVersion = now?.version ?? result.conflict_data?.current_version;
    return new Problem("decision-outdated", {
      ...(result.error !== undefined && { detail: result.error }),
      ...(currentVersion !== undefined && { current_version: currentVersion }),
      ...(now !== undefined && { conflict_status: now.status }),
    });
  }

  async function requireOwnDevice(
    identity: Identity,
    workspaceId: WorkspaceId,
    deviceId: DeviceId,
  ): Promise<void> {
    if (identity.roleByWorkspace.get(workspaceId) === "admin") return;
    if (deviceId === SUBJECT_DEVICE_PREFIX + identity.subject) return;
    const isSubjects = deviceId.startsWith(SUBJECT_DEVICE_PREFIX);
    if (!isSubjects && (await deviceOwners.isOwner(workspaceId, deviceId, identity.subject))) return;
    throw new Problem("forbidden", {
      detail: "A writer may decide only the conflicts of their own devices",
    });
  }
}

/** @throws {@link Problem} `conflict-service-unavailable` if the service is of a version with another answer */
async function readPreview(answer: globalThis.Response): Promise<DecisionPreview> {
  const previewed = readWire(decisionPreviewSchema, await answer.text());
  if (previewed !== undefined) return previewed;
  const detail = "The conflict service gave an answer that this version cannot read";
  throw new Problem("conflict-service-unavailable", { retryAfterSeconds: 1, detail });
}
