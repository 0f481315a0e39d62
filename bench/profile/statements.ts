import { onDatabase } from "../database/on-database.ts";

/** What Postgres did for one statement. */
export interface StatementTime {
  readonly text: string;
  readonly calls: number;
  readonly rows: number;
  readonly totalMs: number;
}

/** Counts from here on; the server must have been started for it. */
export function resetStatements(databaseUrl: string): Promise<void> {
  return onDatabase(databaseUrl, async (client) => {
    await client.query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
    await client.query("SELECT pg_stat_statements_reset()");
  });
}

/** Planning and execution of every statement, those with the most time first. */
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

/** What it does to which table, as far as that can be seen: `SELECT … FROM documents`. */
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
