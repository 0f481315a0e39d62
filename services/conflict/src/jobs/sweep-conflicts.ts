import { inWorkspaces, type ConflictQueue } from "@syncline/runtime";
import type { BackoffBounds } from "@syncline/shared";
import type { PgConflicts, StalledCursor } from "../io/pg-conflicts.ts";

interface Deps {
  conflicts: Pick<PgConflicts, "listStalled">;
  queue: ConflictQueue;
  /** False once the process is stopping: a sweep then ends after its page, and others sweep, too. */
  isRunning: () => boolean;
}

const PAGE_CONFLICTS_MAX = 500;

/**
 * Asks again for the rounds of open conflicts that have been quiet for long: their jobs may have got lost, or been put off by
 * a clock that is wrong. It goes through all of them: those whose lane stands still stay quiet, and come first.
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
