import type { WorkspaceId } from "@syncline/shared/protocol";
import type { Logger } from "@syncline/kit/telemetry";
import type { AgingTable, PgRetention } from "../io/pg-retention.ts";

/** The retention of each kind of row in days; 0 keeps rows indefinitely. */
export interface Retention {
  ledgerDays: number;
  historyDays: number;
  conflictsDays: number;
  batchesDays: number;
}

interface Deps {
  store: PgRetention;
  /** False once the process is stopping: a run then ends after its transaction, and a later run continues. */
  isRunning: () => boolean;
  log: Logger;
}

/** The most rows that one transaction drops, in tables on whose locks no request waits. */
const PAGE_ROWS_MAX = 1_000;
/** The most changes that one transaction drops: it blocks commits to the workspace, and a change may hold megabytes. */
const PAGE_CHANGES_MAX = 100;
/** The most workspaces that one statement checks. */
const PAGE_WORKSPACES_MAX = 1_000;

/**
 * Drops rows that are older than their retention, page by page. Each page is a transaction of its own: a run that
 * ends early keeps its progress, and the next one continues. Two concurrent runs take different rows.
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
    log[isIdle ? "debug" : "info"](dropped, "dropped rows older than their retention");
  };

  async function dropRows(table: AgingTable, olderThanDays: number): Promise<number> {
    if (olderThanDays === 0) return 0;
    let sum = 0;
    // Continuing from the last time, and not from the oldest row, skips rows that are dropped but not vacuumed yet.
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

  async function dropHistory(workspaceId: WorkspaceId, olderThanDays: number): Promise<number> {
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
