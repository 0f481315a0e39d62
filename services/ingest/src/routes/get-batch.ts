import { identityOf } from "@syncline/kit/http";
import type { BatchResult, BatchId } from "@syncline/shared/protocol";
import type { RequestHandler } from "express";
import { readPrefer, type Preferences } from "../core/prefer.ts";
import type { CarryDocuments } from "./carry-documents.ts";
import { unknownBatch, type FindBatch, type FoundBatch } from "./find-batch.ts";
import { setApplied } from "./set-applied.ts";

/** `GET /api/v1/batches/{batch_id}` returns the status and results of a batch. */
export function createGetBatch(deps: {
  findBatch: FindBatch;
  carryDocuments: CarryDocuments;
}): RequestHandler<{ batchId: BatchId }> {
  return async (request, response) => {
    const preferences = readPrefer(request.get("prefer"), 0);
    const found = await deps.findBatch(request.params.batchId, identityOf(response));
    if (found === undefined) throw unknownBatch();
    setApplied(response, preferences, ["return=minimal"]);
    response.json(await answerOf(found, preferences, deps.carryDocuments));
  };
}

/** Returns a batch's answer with the documents that its results report. */
export async function answerOf(
  { workspaceId, deviceId, answer }: FoundBatch,
  preferences: Preferences,
  carryDocuments: CarryDocuments,
): Promise<BatchResult> {
  if (deviceId === null) return answer;
  return { ...answer, results: await carryDocuments({ workspaceId, deviceId }, answer.results, preferences) };
}
