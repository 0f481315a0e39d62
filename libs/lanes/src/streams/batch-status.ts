import type { BatchId, DeviceId, OperationResult, WorkspaceId } from "@syncline/shared/protocol";
import { exactly, operationResultSchema, readWire } from "@syncline/shared/schemas";
import { z } from "zod";
import { guarded } from "../connect.ts";
import type { Shards } from "../shards.ts";

/** The readable status of a batch between its acceptance and its drain. */
export interface AcceptedBatchStatus {
  workspaceId: WorkspaceId;
  deviceId: DeviceId;
  acceptedAtMs: number;
  results: OperationResult[];
}

/** Reads the status of batches that wait on their lanes. */
export interface AcceptedBatches {
  /**
   * Finds an accepted batch on the shards of some workspaces.
   * @returns `null` if it was committed or never accepted
   */
  readBatchStatus(batchId: BatchId, workspaceIds: Iterable<WorkspaceId>): Promise<AcceptedBatchStatus | null>;
}

export const batchStatusSchema: z.ZodType<AcceptedBatchStatus> = exactly<AcceptedBatchStatus>()(
  z.object({
    workspaceId: z.string(),
    deviceId: z.string(),
    acceptedAtMs: z.int(),
    results: z.array(operationResultSchema),
  }),
);

export function createAcceptedBatches(shards: Shards): AcceptedBatches {
  return {
    async readBatchStatus(batchId, workspaceIds) {
      const where = new Set([...workspaceIds].map((workspaceId) => shards.of(workspaceId)));
      const found = await Promise.all(
        [...where].map(({ redis, keys }) => guarded(redis.get(keys.acceptedBatch(batchId)))),
      );
      const status = found.find((text) => text !== null);
      // A malformed one, for example after a manual repair, is unknown: the client sends its batch again.
      return readWire(batchStatusSchema, status ?? "") ?? null;
    },
  };
}
