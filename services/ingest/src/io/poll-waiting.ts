import { inWorkspaces } from "@syncline/store";
import type { WaitingBatches } from "../core/waiting-batches.ts";
import type { PgReads } from "./pg-reads.ts";

/** Polls the status of the batches that requests wait for, because a reply may get lost. */
export function createPollWaiting(deps: { waiting: WaitingBatches; reads: PgReads }): () => Promise<void> {
  return async () => {
    const batches = deps.waiting.list();
    const found = await inWorkspaces(
      batches.map(({ workspaceId }) => workspaceId),
      () => deps.reads.readBatches(batches),
    );
    for (const { batchId, results } of found) {
      deps.waiting.onBatch(batchId, results);
    }
  };
}
