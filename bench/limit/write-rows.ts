import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { JsonObject } from "@syncline/shared/document";
import type { ClientBase } from "pg";

const WRITE = { name: "limit-write", text: readFileSync(new URL("write.sql", import.meta.url), "utf8") };

/** An operation as `write.sql` takes it, with short names because each comes with its name. */
export interface WriteRow {
  /** workspace, device, client id, document id, kind */
  readonly w: string;
  readonly d: string;
  readonly c: string;
  readonly i: string;
  readonly k: string;
  /** base version, seq */
  readonly b: number;
  readonly s: number;
  /** The resulting document. */
  readonly x: JsonObject | null;
}

/** A statement whose text is already built. */
export interface WriteStatement {
  readonly operations: number;
  readonly values: [rows: string, batchId: string, requestId: string];
}

export function prepareWrite(rows: readonly WriteRow[]): WriteStatement {
  return { operations: rows.length, values: [JSON.stringify(rows), randomUUID(), randomUUID()] };
}

/** @throws if not every operation was written */
export async function write(client: ClientBase, { operations, values }: WriteStatement): Promise<void> {
  const { rows } = await client.query<{ written: string }>({ ...WRITE, values });
  const written = Number(rows[0]?.written);
  if (written !== operations) throw new Error(`${written} of ${operations} operations were written`);
}

/** Numbers the changes of each workspace. Only one writer exists, so the numbers need no database. */
export class Seqs {
  readonly #lastByWorkspace = new Map<string, number>();

  next(workspaceId: string): number {
    const seq = (this.#lastByWorkspace.get(workspaceId) ?? SEQ_FIRST) + 1;
    this.#lastByWorkspace.set(workspaceId, seq);
    return seq;
  }
}

/** Beyond the seqs of the initial documents. */
const SEQ_FIRST = 1_000_000_000;
