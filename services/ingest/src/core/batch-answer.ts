import { batchStatus, type BatchResult, type OperationResult, type BatchId } from "@syncline/shared/protocol";

/** Builds the answer to a batch. `drained` is false while the batch is still on its lane. */
export function batchAnswer(
  batchId: BatchId,
  results: OperationResult[],
  options: { processingTimeMs: number; drained: boolean },
): BatchResult {
  const successful = results.filter((result) => result.status === "success").length;
  const pending = results.filter((result) => result.status === "pending").length;
  return {
    batch_id: batchId,
    status: options.drained ? batchStatus(results) : "pending",
    total: results.length,
    successful,
    failed: results.length - successful - pending,
    processing_time_ms: options.processingTimeMs,
    results,
  };
}
