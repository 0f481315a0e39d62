import { Problem, identityOf, type LaneStreams } from "@syncline/runtime";
import type { OperationResult } from "@syncline/shared";
import type { RequestHandler } from "express";
import { batchAnswer } from "../core/batch-answer.ts";
import type { PgReads } from "../io/pg-reads.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** `GET /api/v1/batches/{batch_id}`: how a batch stands. One of another workspace does not exist. */
export function createGetBatch(deps: {
  lanes: LaneStreams;
  reads: PgReads;
}): RequestHandler<{ batchId: string }> {
  return async (request, response) => {
    const { batchId } = request.params;
    const { roleByWorkspace } = identityOf(response);
    if (!UUID.test(batchId)) throw unknownBatch();

    // Redis first: a batch leaves it only after the tables have it.
    const accepted = await deps.lanes.readBatchStatus(batchId);
    const keys = [...roleByWorkspace.keys()].map((workspaceId) => ({ workspaceId, batchId }));
    const [drained] = await deps.reads.readBatches(keys);
    if (drained !== undefined) {
      const { results, processingTimeMs } = drained;
      response.json(batchAnswer(batchId, results, { processingTimeMs, drained: true }));
      return;
    }
    if (accepted === null || !roleByWorkspace.has(accepted.workspaceId)) throw unknownBatch();
    const results = accepted.operations.map(({ clientId, documentId }): OperationResult => ({
      client_id: clientId,
      status: "pending",
      document_id: documentId,
    }));
    response.json(
      batchAnswer(batchId, results, { processingTimeMs: Date.now() - accepted.acceptedAtMs, drained: false }),
    );
  };
}

function unknownBatch(): Problem {
  return new Problem("not-found", {
    detail: "No such batch is known here. If you sent it and had no final answer, send it again",
  });
}
