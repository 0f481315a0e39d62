import { inWorkspaces, type ConflictQueue } from "@syncline/runtime";
import type { PgConflicts } from "../io/pg-conflicts.ts";

const SWEEP_CONFLICTS_MAX = 500;

/** Asks again for the rounds of open conflicts that have been quiet for long: their job may have got lost. */
export function createSweepConflicts(
  deps: { conflicts: PgConflicts; queue: ConflictQueue },
  options: { quietMs: number },
): () => Promise<void> {
  return async () => {
    const quiet = await inWorkspaces([], () =>
      deps.conflicts.listQuiet(options.quietMs, SWEEP_CONFLICTS_MAX),
    );
    await deps.queue.request(quiet);
  };
}
