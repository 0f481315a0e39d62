import type { Logger } from "@syncline/runtime";
import type { AgingTable, PgRetention } from "../io/pg-retention.ts";

/** How long what is kept, in days; 0 keeps it for ever. */
export interface Retention {
  ledgerDays: number;
  historyDays: number;
  conflictsDays: number;
  batchesDays: number;
}

interface Deps {
  store: PgRetention;
  /** False once the process is stopping: a run then ends after its transaction, and a later one does the rest. */
  isRunning: () => boolean;
  log: Logger;
}

/** Most rows a transaction, where nobody waits for its locks. */
const PAGE_ROWS_MAX = 1_000;
/** Most changes a transaction: it holds off commits to the workspace, and a change may hold megabytes. */
const PAGE_CHANGES_MAX = 100;
/** How many workspaces are looked at in one statement. */
const PAGE_WORKSPACES_MAX = 1_000;

/**
 * Drops what is older than its retention, page by page until all of it is gone. Each page is a transaction of its own, so
 * a run that ends anywhere has done what it has done, and the next one goes on; two at once take different rows.
 */
export function createApplyRetention({ store, isRunning, log }: Deps, retention: Retention) {
  return async function applyRetention(): Promise<void> {
    const dropped = {
      conflicts: await dropRows("conflicts", retention.conflictsDays),
      batches: await dropRows("batches", retention.batchesDays),
      operations: await dropRows("operations", retention.ledgerDays),
      changes: await dropHistories(retention.historyDays),
    };
    const isIdle = Object.values(dropped).every((rows) => rows === 0);
    log[isIdle ? "debug" : "info"](dropped, "dropped what is older than its retention");
  };

  async function dropRows(table: AgingTable, olderThanDays: number): Promise<number> {
    if (olderThanDays === 0) return 0;
    let sum = 0;
    // Going on from the last time, and not from the oldest row, passes by what was dropped but is not vacuumed yet.
    let from = "-infinity";
    while (isRunning()) {
      const { dropped, reached } = await store.dropRows(table, { olderThanDays, from, limit: PAGE_ROWS_MAX });
      sum += dropped;
      if (dropped < PAGE_ROWS_MAX || reached === null) break;
      from = reached;
    }
    return sum;
  }

  async function dropHistories(olderThanDays: number): Promise<number> {
    if (olderThanDays === 0) return 0;
    let sum = 0;
    let after = "";
    while (isRunning()) {
      const histories = await store.listHistories({ olderThanDays, after, limit: PAGE_WORKSPACES_MAX });
      for (const { workspaceId, aged } of histories)
        if (aged) sum += await dropHistory(workspaceId, olderThanDays);
      const last = histories.at(-1);
      if (last === undefined || histories.length < PAGE_WORKSPACES_MAX) break;
      after = last.workspaceId;
    }
    return sum;
  }

  async function dropHistory(workspaceId: string, olderThanDays: number): Promise<number> {
    let sum = 0;
    while (isRunning()) {
      const page = { olderThanDays, limit: PAGE_CHANGES_MAX };
      const { lookedAt, dropped } = await store.dropHistory(workspaceId, page);
      sum += dropped;
      if (lookedAt < PAGE_CHANGES_MAX) break;
    }
    return sum;
  }
}
