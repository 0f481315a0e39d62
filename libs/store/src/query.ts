import { readFileSync } from "node:fs";
import type pg from "pg";
import { pipelinedTransaction } from "./pipelined-transaction.ts";
import { visibleWorkspaces } from "./in-workspaces.ts";
import { inPostgresSpan } from "./postgres-span.ts";

/** A statement that is prepared once on each connection, by its name. */
export interface Statement {
  name: string;
  text: string;
}

/** Reads the statements of a folder of `.sql` files, each by the name of its file. */
export function statementsIn(folder: URL): (name: string) => Statement {
  return (name) => ({ name, text: readFileSync(new URL(`${name}.sql`, folder), "utf8") });
}

/**
 * Runs a statement and returns its rows.
 *
 * @throws {@link SynclineError} with the code of the failure
 */
export type Query = <R extends object>(sql: Statement, values: unknown[]) => Promise<R[]>;

const NAME_WORKSPACES = statementsIn(new URL("./sql/", import.meta.url))("name-workspaces");

/**
 * Runs single statements on a pool, for the visible workspaces of {@link inWorkspaces} and in the active trace. Each
 * statement's own transaction names the workspaces anew, so that the next user of the connection, in this pool or a
 * pooler, does not inherit them.
 */
export function createQuery(pool: pg.Pool): Query {
  return async <R extends object>(sql: Statement, values: unknown[]): Promise<R[]> =>
    inPostgresSpan(sql.name, () =>
      pipelinedTransaction<R>(pool, [
        { ...NAME_WORKSPACES, values: [visibleWorkspaces()] },
        { ...sql, values },
      ]),
    );
}
