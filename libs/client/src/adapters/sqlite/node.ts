/// <reference types="node" />
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { SqliteDriver, SqliteRow } from "./driver.ts";

/**
 * A driver for Node's own SQLite. Databases are files in `folder`. Each storage needs a driver of its own.
 */
export function nodeSqlite(folder: string): SqliteDriver {
  let database: DatabaseSync | undefined;
  return {
    open(file) {
      mkdirSync(folder, { recursive: true });
      database = new DatabaseSync(join(folder, file));
    },
    query(sql, parameters) {
      if (database === undefined) throw new Error("the file is not open");
      return database.prepare(sql).all(...parameters) as SqliteRow[];
    },
    close() {
      database?.close();
      database = undefined;
    },
    delete(file) {
      for (const suffix of ["", "-wal", "-shm"]) rmSync(join(folder, file + suffix), { force: true });
    },
  };
}
