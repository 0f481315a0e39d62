import type { Change, Expected, Row, StoreName } from "../../ports/index.ts";
import { SynclineClientError } from "../../public/errors.ts";
import { STORE_NAMES } from "../store-names.ts";
import { bytesOf, decodeRow, encodeValue } from "./cells.ts";
import type { Connection, Parameter } from "./connection.ts";
import type { SqliteRow } from "./driver.ts";
import { encodeKey } from "./encode-key.ts";

/** The layout of a database that is being deleted. */
export const DELETED = -1;

/** The number of keys or rows in one statement: SQLite before 3.32 takes 999 parameters. */
export const ROWS_A_STATEMENT = 300;

export interface DatabaseRow {
  readonly name: string;
  readonly layout: number;
  /** The revision that the last commit gave to its rows. */
  readonly lastRevision: number;
}

/** Reads the row about the database itself, and writes it if the file is new. Runs in a transaction. */
export async function openDatabaseRow(db: Connection, name: string, layout: number): Promise<DatabaseRow> {
  await db.query(
    "CREATE TABLE IF NOT EXISTS client_database (id INTEGER PRIMARY KEY, name TEXT, layout INTEGER, last_revision INTEGER)",
  );
  await db.query("INSERT OR IGNORE INTO client_database VALUES (1, ?, ?, 0)", [name, layout]);
  const row = await readDatabaseRow(db);
  if (row.name !== name)
    throw new SynclineClientError(
      "storageUnavailable",
      `The file of the database ${name} holds the database ${row.name}: move that file away`,
    );
  return row;
}

export async function readDatabaseRow(db: Connection): Promise<DatabaseRow> {
  const [row] = await db.query("SELECT name, layout, last_revision AS lastRevision FROM client_database");
  return row as unknown as DatabaseRow;
}

export async function setLayout(db: Connection, layout: number): Promise<void> {
  await db.query("UPDATE client_database SET layout = ?", [layout]);
}

export async function createTables(db: Connection): Promise<void> {
  for (const store of STORE_NAMES)
    await db.query(
      `CREATE TABLE IF NOT EXISTS "${store}" (key BLOB PRIMARY KEY, revision INTEGER NOT NULL, value) WITHOUT ROWID`,
    );
}

/** Rows as they are in the tables, and the layout of the database that they were read from. */
export interface Selection<T> {
  readonly layout: number;
  readonly rows: T[];
}

/** Selects rows of a store. The join also yields the layout if no row fits. */
async function select(
  db: Connection,
  store: StoreName,
  condition: string,
  parameters: readonly Parameter[],
  columns = "revision, value",
): Promise<Selection<SqliteRow>> {
  const rows = await db.query(
    `SELECT layout, key, ${columns} FROM client_database LEFT JOIN "${store}" ON ${condition}`,
    parameters,
  );
  return { layout: layoutOf(rows[0]), rows: rows.filter((row) => row.key !== null) };
}

export async function selectRange(
  db: Connection,
  store: StoreName,
  bounds: readonly [Uint8Array, Uint8Array],
  { limit, reverse }: { limit: number; reverse: boolean },
): Promise<Selection<Row>> {
  const order = reverse ? "DESC" : "ASC";
  const condition = `key >= ? AND key < ? WHERE id = 1 ORDER BY key ${order} LIMIT ?`;
  const { layout, rows } = await select(db, store, condition, [...bounds, limit]);
  return { layout, rows: rows.map(decodeRow) };
}

/** The rows of some keys, in the order of the keys. */
export async function selectRows(
  db: Connection,
  store: StoreName,
  keys: readonly Uint8Array[],
  columns?: "revision",
): Promise<Selection<Row | undefined>> {
  const rowByKey = new Map<string, Row>();
  let found = DELETED;
  for (const some of chunks(keys)) {
    const condition = `key IN (${some.map(() => "?").join()}) WHERE id = 1`;
    const { layout, rows } = await select(db, store, condition, some, columns);
    found = layout;
    for (const row of rows) rowByKey.set(textOf(bytesOf(row.key)), decodeRow(row));
  }
  return { layout: found, rows: keys.map((key) => rowByKey.get(textOf(key))) };
}

/** Tells whether an expected row has another revision. */
export async function isChanged(db: Connection, expect: readonly Expected[]): Promise<boolean> {
  for (const store of STORE_NAMES) {
    const expected = expect.filter((row) => row.store === store);
    const keys = expected.map((row) => encodeKey(row.key));
    const { rows } = await selectRows(db, store, keys, "revision");
    if (expected.some(({ revision }, i) => (rows[i]?.revision ?? null) !== revision)) return true;
  }
  return false;
}

export async function writeChanges(db: Connection, changes: readonly Change[], revision: number) {
  if (changes.length === 0) return;
  await db.query("UPDATE client_database SET last_revision = ?", [revision]);
  for (const run of runsOf(changes)) {
    const { kind, store } = run[0] as Change;
    for (const some of chunks(run)) {
      const keys = some.map((change) => encodeKey(change.key));
      if (kind === "delete")
        await db.query(`DELETE FROM "${store}" WHERE key IN (${keys.map(() => "?").join()})`, keys);
      else
        await db.query(
          `REPLACE INTO "${store}" VALUES ${keys.map(() => "(?,?,?)").join()}`,
          some.flatMap((change, i) => [keys[i] as Uint8Array, revision, cellOf(change)]),
        );
    }
  }
}

const layoutOf = (row: SqliteRow | undefined) => (row?.layout as number | undefined) ?? DELETED;

const cellOf = (change: Change) => (change.kind === "put" ? encodeValue(change.value) : null);

/** A blob as the key of a map. */
const textOf = (bytes: Uint8Array) => String.fromCharCode(...bytes);

function* chunks<T>(items: readonly T[]): Generator<T[]> {
  for (let i = 0; i < items.length; i += ROWS_A_STATEMENT) yield items.slice(i, i + ROWS_A_STATEMENT);
}

/** Splits changes into runs of one kind and one store, in their order. */
function runsOf(changes: readonly Change[]): Change[][] {
  const runs: Change[][] = [];
  for (const change of changes) {
    const run = runs.at(-1);
    if (run?.[0]?.kind === change.kind && run[0].store === change.store) run.push(change);
    else runs.push([change]);
  }
  return runs;
}
