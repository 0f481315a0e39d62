import { readFileSync } from "node:fs";
import type pg from "pg";
import { inPostgresSpan } from "../telemetry/postgres-span.ts";
import { toSynclineError } from "./sql-error.ts";

/** A statement that is prepared once a connection, by its name. */
export interface Statement {
  name: string;
  text: string;
}

/** Reads the statements of a folder of `.sql` files, each by the name of its file. */
export function statementsIn(folder: URL): (name: string) => Statement {
  return (name) => ({ name, text: readFileSync(new URL(`${name}.sql`, folder), "utf8") });
}

/** @throws {@link SynclineError} with the code that the failure has */
export type Query = <R extends object>(sql: Statement, values: unknown[]) => Promise<R[]>;

/** Runs single statements on a pool, each seen in the trace of what it is for. */
export function createQuery(pool: pg.Pool): Query {
  return async <R extends object>(sql: Statement, values: unknown[]): Promise<R[]> =>
    inPostgresSpan(sql.name, async () => {
      try {
        return (await pool.query<R>({ ...sql, values })).rows;
      } catch (error) {
        throw toSynclineError(error);
      }
    });
}
