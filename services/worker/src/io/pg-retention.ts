import { pipelinedTransaction, statementsIn, type Pool, type Statement } from "@syncline/runtime";

/** The tables whose rows go by their own age. */
export type AgingTable = "operations" | "batches" | "conflicts";

/** What one page of dropping came to. */
export interface DroppedPage {
  dropped: number;
  /** The time of the last row, where the next page goes on; `null` where there was none. */
  reached: string | null;
}

/** A page of a workspace's history that has come of age. */
export interface HistoryPage {
  lookedAt: number;
  dropped: number;
}

/** Drops what is older than a number of days, a bounded number of rows a transaction. */
export interface PgRetention {
  /** Drops the oldest rows, from a time on. */
  dropRows(
    table: AgingTable,
    page: { olderThanDays: number; from: string; limit: number },
  ): Promise<DroppedPage>;
  /** The next workspaces, and whether their histories have moved on; in the order of their ids. */
  listHistories(page: {
    olderThanDays: number;
    after: string;
    limit: number;
  }): Promise<{ workspaceId: string; aged: boolean }[]>;
  /** Drops what a workspace's next changes of that age superseded. */
  dropHistory(workspaceId: string, page: { olderThanDays: number; limit: number }): Promise<HistoryPage>;
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

  /** The statements are planned each time, not prepared: they are rare, and a plan from when the tables were small is dear. */
  function run<R extends object>(...statements: [Statement, unknown[]][]): Promise<R[]> {
    return pipelinedTransaction<R>(
      pool,
      statements.map(([{ text }, values]) => ({ text, values })),
    );
  }
}
