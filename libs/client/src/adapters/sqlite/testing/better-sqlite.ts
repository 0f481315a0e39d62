import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { SqliteDriver, SqliteRow } from "../driver.ts";

/** The driver for better-sqlite3 of the documentation. */
export function betterSqlite(folder: string): SqliteDriver {
  let database: Database.Database | undefined;
  return {
    open(file) {
      mkdirSync(folder, { recursive: true });
      database = new Database(join(folder, file), { timeout: 0 });
    },
    query(sql, parameters) {
      if (database === undefined) throw new Error("the file is not open");
      const statement = database.prepare<unknown[], SqliteRow>(sql);
      if (statement.reader) return statement.all(...parameters);
      statement.run(...parameters);
      return [];
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
