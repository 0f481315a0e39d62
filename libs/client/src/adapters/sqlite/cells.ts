import type { Row } from "../../ports/index.ts";
import type { SqliteRow, SqliteValue } from "./driver.ts";
import { decodeKey } from "./encode-key.ts";

/** The column of a row's value: JSON as text, bytes as a blob, `undefined` as NULL. */
export function encodeValue(value: unknown): string | Uint8Array | null {
  if (value instanceof Uint8Array) return value;
  return JSON.stringify(value) ?? null;
}

function decodeValue(cell: SqliteValue | undefined): unknown {
  if (cell === null || cell === undefined) return undefined;
  return typeof cell === "string" ? JSON.parse(cell) : bytesOf(cell);
}

export function bytesOf(cell: SqliteValue | undefined): Uint8Array {
  // A copy: drivers return subclasses, and views of memory that they use again.
  return new Uint8Array(cell as Uint8Array | ArrayBuffer);
}

export function decodeRow(row: SqliteRow): Row {
  return {
    key: decodeKey(bytesOf(row.key)),
    revision: row.revision as number,
    value: decodeValue(row.value),
  };
}
