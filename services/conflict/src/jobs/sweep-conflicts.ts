import type { ConflictQueue } from "@syncline/lanes/queues";
import { inWorkspaces } from "@syncline/store";
import type { BackoffBounds } from "@syncline/shared/protocol";
import type { PgConflicts, StalledCursor } from "../io/pg-conflicts.ts";

interface Deps {
  conflicts: Pick<PgConflicts, "listStalled">;
  queue: ConflictQueue;
  /** False once the process is stopping: the sweep then ends after its page, and other processes continue theirs. */
  isRunning: () => boolean;
}

const PAGE_CONFLICTS_MAX = 500;

/**
 * Requests the rounds of stalled conflicts again: their jobs may be lost, or delayed by a wrong clock. It visits all of
 * them, because conflicts on a blocked lane stay stalled and come first.
 */
export function createSweepConflicts(
  { conflicts, queue, isRunning }: Deps,
  options: { stalledMs: number; backoff: BackoffBounds },
): () => Promise<void> {
  return async () => {
    let after: StalledCursor | undefined;
    while (isRunning()) {
      const page = { after, limit: PAGE_CONFLICTS_MAX };
      const { jobs, next } = await inWorkspaces([], () => conflicts.listStalled(options, page));
      await queue.requestOverdue(jobs);
      if (next === undefined) break;
      after = next;
    }
  };
}
