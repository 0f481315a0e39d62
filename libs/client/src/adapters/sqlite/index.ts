export type { SqliteDriver, SqliteRow, SqliteValue } from "./driver.ts";
export { sqliteStorage } from "./sqlite-storage.ts";
