import { readFileSync } from "node:fs";
import type pg from "pg";
import { pipelinedTransaction } from "./pipelined-transaction.ts";
import { visibleWorkspaces } from "./in-workspaces.ts";
import { inPostgresSpan } from "../telemetry/postgres-span.ts";

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

const NAME_WORKSPACES = statementsIn(new URL("./sql/", import.meta.url))("name-workspaces");

/**
 * Runs single statements on a pool, each for the workspaces of {@link inWorkspaces}, and seen in the trace of what it is for. They are named anew in each statement's
 * own transaction, so that whoever gets the connection next, from this pool or one on the way, does not inherit them.
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
