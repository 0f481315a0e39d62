import type { WaitingBatches } from "../core/waiting-batches.ts";
import type { PgReads } from "./pg-reads.ts";

/** Looks up how the batches stand that requests wait for: a reply may have got lost. */
export function createPollWaiting(deps: { waiting: WaitingBatches; reads: PgReads }): () => Promise<void> {
  return async () => {
    for (const { batchId, results } of await deps.reads.readBatches(deps.waiting.list())) {
      deps.waiting.onBatch(batchId, results);
    }
  };
}
