import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { JsonObject } from "@syncline/shared";
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
  /** The document afterwards. */
  readonly x: JsonObject | null;
}

/** A statement whose text is made. */
export interface WriteStatement {
  readonly operations: number;
  readonly values: [rows: string, batchId: string, requestId: string];
}

export function prepareWrite(rows: readonly WriteRow[]): WriteStatement {
  return { operations: rows.length, values: [JSON.stringify(rows), randomUUID(), randomUUID()] };
}

/** @throws where not all of it was written */
export async function write(client: ClientBase, { operations, values }: WriteStatement): Promise<void> {
  const { rows } = await client.query<{ written: string }>({ ...WRITE, values });
  const written = Number(rows[0]?.written);
  if (written !== operations) throw new Error(`${written} of ${operations} operations were written`);
}

/** A number for each change of a workspace. Whoever writes is alone, so it need not ask the database. */
export class Seqs {
  readonly #lastByWorkspace = new Map<string, number>();

  next(workspaceId: string): number {
    const seq = (this.#lastByWorkspace.get(workspaceId) ?? SEQ_FIRST) + 1;
    this.#lastByWorkspace.set(workspaceId, seq);
    return seq;
  }
}

/** Beyond those of the documents that are there from the start. */
const SEQ_FIRST = 1_000_000_000;
