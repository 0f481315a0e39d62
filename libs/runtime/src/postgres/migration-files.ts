import { readdir } from "node:fs/promises";

/** Where the migrations lie: beside the sources and, in an image, beside what was built of them. */
export const MIGRATIONS = new URL("../../../../migrations/", import.meta.url);

/** The names of the migrations that this version comes with, oldest first. */
export async function listMigrations(): Promise<string[]> {
  return (await readdir(MIGRATIONS)).filter((file) => file.endsWith(".sql")).sort();
}
