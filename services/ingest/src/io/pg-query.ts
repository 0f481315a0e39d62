import { readFileSync } from "node:fs";
import { toSynclineError } from "@syncline/runtime";
import type pg from "pg";

/** A statement that is prepared once a connection, by its name. */
export interface Statement {
  name: string;
  text: string;
}

/** Reads a statement from its file in `sql/`. */
export function statement(name: string): Statement {
  return { name, text: readFileSync(new URL(`../sql/${name}.sql`, import.meta.url), "utf8") };
}

export type Query = <R extends object>(sql: Statement, values: unknown[]) => Promise<R[]>;

/** Runs statements on a pool; what fails has a code. */
export function createQuery(pool: pg.Pool): Query {
  return async <R extends object>(sql: Statement, values: unknown[]): Promise<R[]> => {
    try {
      return (await pool.query<R>({ ...sql, values })).rows;
    } catch (error) {
      throw toSynclineError(error);
    }
  };
}
