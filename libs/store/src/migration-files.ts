import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";

/** The folder of the migrations: next to the sources and, in an image, next to their build. */
export const MIGRATIONS = new URL("../../../migrations/", import.meta.url);

export interface Migration {
  readonly name: string;
  readonly sql: string;
  /** The SHA-256 of its text, stored with an applied migration and compared at each start. */
  readonly contentHash: string;
}

/** Reads the migrations of this version, oldest first. */
export async function readMigrations(folder = MIGRATIONS): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  return Promise.all(
    names.map(async (name) => {
      // A checkout may have converted the line endings.
      const sql = (await readFile(new URL(name, folder), "utf8")).replaceAll("\r\n", "\n");
      return { name, sql, contentHash: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}
