import { onDatabase } from "../database/on-database.ts";

/** Postgres's work for one statement. */
export interface StatementTime {
  readonly text: string;
  readonly calls: number;
  readonly rows: number;
  readonly totalMs: number;
}

/** Resets the counts; the server must have been started with `pg_stat_statements`. */
export function resetStatements(databaseUrl: string): Promise<void> {
  return onDatabase(databaseUrl, async (client) => {
    await client.query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
    await client.query("SELECT pg_stat_statements_reset()");
  });
}

/** Planning and execution time of every statement, longest first. */
export function readStatements(databaseUrl: string, most: number): Promise<StatementTime[]> {
  return onDatabase(databaseUrl, async (client) => {
    const { rows } = await client.query<StatementTime>(
      `SELECT query AS text, calls::int, rows::int, total_plan_time + total_exec_time AS "totalMs"
       FROM pg_stat_statements
       WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query NOT LIKE '%pg_stat_statements%'
       ORDER BY total_plan_time + total_exec_time DESC
       LIMIT $1`,
      [most],
    );
    return rows.map((row) => ({ ...row, text: shorten(row.text) }));
  });
}

/** Shortens a statement to its verb and table, if they can be found: `SELECT … FROM documents`. */
function shorten(text: string): string {
  const words = text
    .replaceAll(/^--.*$/gm, "")
    .split(/\s+/)
    .join(" ")
    .trim();
  const table =
    /\b(?:INSERT INTO|UPDATE|DELETE FROM|FROM|JOIN) (?!unnest|json|LATERAL|planned|\()\w{3,}/.exec(words);
  if (table === null) return words.slice(0, 60);
  return words.startsWith(table[0]) ? table[0] : `${words.split(" ")[0]} … ${table[0]}`;
}
