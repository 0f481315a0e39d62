import type { Identity } from "@syncline/kit/http";
import type { LaneStreams } from "@syncline/lanes";
import {
  Problem,
  type BatchResult,
  type BatchId,
  type DeviceId,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import { batchAnswer } from "../core/batch-answer.ts";
import type { PgReads } from "../io/pg-reads.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A batch's current answer, with its workspace and device. */
export interface FoundBatch {
  workspaceId: WorkspaceId;
  /** `null` while the batch is on its lane: no operation has a final answer yet. */
  deviceId: DeviceId | null;
  answer: BatchResult;
}

/** Finds a batch in Redis or Postgres. A batch of a workspace that the identity has no role in counts as missing. */
export type FindBatch = (batchId: BatchId, identity: Identity) => Promise<FoundBatch | undefined>;

export function createFindBatch(deps: { lanes: LaneStreams; reads: PgReads }): FindBatch {
  return async (batchId, { roleByWorkspace }) => {
    if (!UUID.test(batchId)) return undefined;
    // Redis is read first: a batch leaves it only after the tables have it.
    const accepted = await deps.lanes.readBatchStatus(batchId, roleByWorkspace.keys());
    const keys = [...roleByWorkspace.keys()].map((workspaceId) => ({ workspaceId, batchId }));
    const [drained] = await deps.reads.readBatches(keys);
    if (drained !== undefined) {
      const { workspaceId, deviceId, results, processingTimeMs } = drained;
      const answer = batchAnswer(batchId, results, { processingTimeMs, drained: true });
      return { workspaceId, deviceId, answer };
    }
    if (accepted === null || !roleByWorkspace.has(accepted.workspaceId)) return undefined;
    const { results } = accepted;
    const processingTimeMs = Date.now() - accepted.acceptedAtMs;
    return {
      workspaceId: accepted.workspaceId,
      deviceId: null,
      answer: batchAnswer(batchId, results, { processingTimeMs, drained: false }),
    };
  };
}

export function unknownBatch(): Problem {
  return new Problem("not-found", {
    detail: "Batch not found. If you sent it and got no final answer, send it again",
  });
}
