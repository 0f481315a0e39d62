import { identityOf } from "@syncline/runtime";
import type { RequestHandler } from "express";
import { unknownBatch, type FindBatch } from "./find-batch.ts";

/** `GET /api/v1/batches/{batch_id}`: how a batch stands. */
export function createGetBatch(findBatch: FindBatch): RequestHandler<{ batchId: string }> {
  return async (request, response) => {
    const found = await findBatch(request.params.batchId, identityOf(response));
    if (found === undefined) throw unknownBatch();
    response.json(found.answer);
  };
}
