import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import pg from "pg";
import type { WorkBatch } from "../work/work.ts";
import type { Target, TargetOptions } from "./target.ts";

const WRITE = {
  name: "limit-write",
  text: readFileSync(new URL("../limit/write.sql", import.meta.url), "utf8"),
};

interface LimitStatement {
  readonly operations: number;
  readonly values: [rows: string, batchId: string, requestId: string];
}

/**
 * The limit: a bare client that writes what Syncline writes, one statement a batch, over plain connections. It trusts
 * everybody, has nobody who waits for an answer over HTTP, keeps the changes' numbers in its memory, and is given every
 * document as it is afterwards. Its statements are text before the clock runs.
 */
export async function connectLimit(options: TargetOptions): Promise<Target> {
  const clients = await connectClients(options);
  const seqs = new Seqs();
  return {
    prepare(batch, connection) {
      const statement = encodeStatement(batch, seqs);
      return () => write(clients[connection], statement);
    },
    close: async () => void (await Promise.all(clients.map((client) => client.end()))),
  };
}

export async function connectClients({ url, connections }: TargetOptions): Promise<pg.Client[]> {
  return Promise.all(
    Array.from({ length: connections }, async () => {
      const client = new pg.Client({ connectionString: url, application_name: "limit" });
      await client.connect();
      return client;
    }),
  );
}

/** A number for each change of a workspace. The bare client is alone, so it need not ask. */
export class Seqs {
  readonly #lastByWorkspace = new Map<string, number>();

  next(workspaceId: string): number {
    const seq = (this.#lastByWorkspace.get(workspaceId) ?? SEQ_FIRST) + 1;
    this.#lastByWorkspace.set(workspaceId, seq);
    return seq;
  }
}

/** Beyond those of the documents that are there from the start. */
const SEQ_FIRST = 1_000_000;

function encodeStatement(batch: WorkBatch, seqs: Seqs): LimitStatement {
  const { deviceId, operations } = batch;
  const rows = operations.map(({ workspaceId, clientId, documentId, kind, baseVersion, document }) => ({
    w: workspaceId,
    d: deviceId,
    c: clientId,
    i: documentId,
    k: kind,
    b: baseVersion,
    s: seqs.next(workspaceId),
    x: document,
  }));
  return { operations: rows.length, values: [JSON.stringify(rows), randomUUID(), randomUUID()] };
}

/** @throws where not all of it was written */
export async function write(
  client: pg.Client | undefined,
  { operations, values }: LimitStatement,
): Promise<void> {
  const answer = await client?.query<{ written: string }>({ ...WRITE, values });
  const written = Number(answer?.rows[0]?.written);
  if (written !== operations) throw new Error(`${written} of ${operations} operations were written`);
}
