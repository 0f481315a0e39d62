import type { WorkspaceId } from "@syncline/shared/protocol";
import { pipelinedTransaction, statementsIn, type Pool, type Statement } from "@syncline/store";

/** The tables whose rows are dropped by their own age. */
export type AgingTable = "operations" | "batches" | "conflicts";

/** The result of dropping one page. */
export interface DroppedPage {
  dropped: number;
  /** The time of the last dropped row, from which the next page continues; `null` if no row was dropped. */
  reached: string | null;
}

/** A page of a workspace's history that has passed its retention. */
export interface HistoryPage {
  lookedAt: number;
  dropped: number;
}

/** Drops rows older than a number of days, a bounded number in each transaction. */
export interface PgRetention {
  /** Drops the oldest rows, starting at a time. */
  dropRows(
    table: AgingTable,
    page: { olderThanDays: number; from: string; limit: number },
  ): Promise<DroppedPage>;
  /** Lists the next workspaces by id; `aged` is true if a change has passed its retention since the last check. */
  listHistories(page: {
    olderThanDays: number;
    after: string;
    limit: number;
  }): Promise<{ workspaceId: WorkspaceId; aged: boolean }[]>;
  /** Drops changes that a workspace's next changes of that age superseded. */
  dropHistory(workspaceId: WorkspaceId, page: { olderThanDays: number; limit: number }): Promise<HistoryPage>;
}

const statement = statementsIn(new URL("../sql/", import.meta.url));
const DROP_ROWS: Record<AgingTable, Statement> = {
  operations: statement("drop-operations"),
  batches: statement("drop-batches"),
  conflicts: statement("drop-conflicts"),
};
const LIST_HISTORIES = statement("drop-history-candidates");
const LOCK_HISTORY = statement("drop-history-lock");
const DROP_HISTORY = statement("drop-history");

export function createPgRetention(pool: Pool): PgRetention {
  return {
    async dropRows(table, { olderThanDays, from, limit }) {
      const [page] = await run<DroppedPage>([DROP_ROWS[table], [olderThanDays, from, limit]]);
      return page ?? { dropped: 0, reached: null };
    },

    async listHistories({ olderThanDays, after, limit }) {
      const values = [olderThanDays, after, limit];
      const rows = await run<{ workspace_id: string; aged: boolean }>([LIST_HISTORIES, values]);
      return rows.map((row) => ({ workspaceId: row.workspace_id, aged: row.aged }));
    },

    async dropHistory(workspaceId, { olderThanDays, limit }) {
      const [page] = await run<{ looked_at: number; dropped: number }>(
        [LOCK_HISTORY, [workspaceId]],
        [DROP_HISTORY, [workspaceId, olderThanDays, limit]],
      );
      return { lookedAt: page?.looked_at ?? 0, dropped: page?.dropped ?? 0 };
    },
  };

  /**
   * Plans the statements each time instead of preparing them: they are rare, and a plan from when the tables were
   * small is slow.
   */
  function run<R extends object>(...statements: [Statement, unknown[]][]): Promise<R[]> {
    return pipelinedTransaction<R>(
      pool,
      statements.map(([{ text }, values]) => ({ text, values })),
    );
  }
}
