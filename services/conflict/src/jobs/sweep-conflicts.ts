import { inWorkspaces, type ConflictQueue } from "@syncline/runtime";
import type { BackoffBounds } from "@syncline/shared";
import type { PgConflicts } from "../io/pg-conflicts.ts";

const SWEEP_CONFLICTS_MAX = 500;

/**
 * Asks again for the rounds of open conflicts that have been quiet for long: their jobs may have got lost, or been put off by
 * a clock that is wrong.
 */
export function createSweepConflicts(
  deps: { conflicts: PgConflicts; queue: ConflictQueue },
  options: { quietMs: number; backoff: BackoffBounds },
): () => Promise<void> {
  return async () => {
    const quiet = await inWorkspaces([], () => deps.conflicts.listQuiet(options, SWEEP_CONFLICTS_MAX));
    await deps.queue.requestOverdue(quiet);
  };
}
