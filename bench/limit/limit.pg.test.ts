import { readFileSync } from "node:fs";
import { createTestDatabase } from "@syncline/stack";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { seed } from "../database/seed.ts";
import type { Ground } from "../workload/documents.ts";
import { deviceOf, Work, type WorkBatch } from "../workload/workload.ts";
import { mergePatch, patchDocuments, type SentOperation } from "./patch-documents.ts";
import { prepareWrite, Seqs, write, type WriteRow } from "./write-rows.ts";

const GROUND: Ground = { workspaces: 2, documents: 40, version: 3 };

async function openDatabase(): Promise<pg.Client> {
  const { databaseUrl, drop } = await createTestDatabase();
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  onTestFinished(async () => {
    await client.end();
    await drop();
  });
  await seed(client, GROUND);
  return client;
}

function makeBatches(count: number): WorkBatch[] {
  const work = new Work({ kind: "mixed", ground: GROUND, seed: 1, connections: 1, batchOperations: 10 });
  return Array.from({ length: count }, () => work.next(0));
}

function toRows({ operations }: WorkBatch, seqs: Seqs): WriteRow[] {
  return operations.map(({ workspaceId, clientId, documentId, kind, baseVersion, document }) => ({
    w: workspaceId,
    d: deviceOf(0),
    c: clientId,
    i: documentId,
    k: kind,
    b: baseVersion,
    s: seqs.next(workspaceId),
    x: document,
  }));
}

async function readTables(client: pg.Client): Promise<unknown[]> {
  const { rows } = await client.query(`
    SELECT d.workspace_id, d.document_id, d.version::int, d.deleted, d.data, c.data AS changed, o.client_id, o.status
    FROM documents d
    JOIN changes c USING (workspace_id, collection, document_id, version)
    LEFT JOIN operations o USING (workspace_id, collection, document_id, version)
    ORDER BY d.workspace_id, d.document_id`);
  return rows;
}

test("the limit, the limit that patches and the loop in Postgres leave the same tables", async () => {
  const [whole, patching, looping] = await Promise.all([openDatabase(), openDatabase(), openDatabase()]);
  await looping.query(
    readFileSync(new URL("../servers/plpgsql-loop/apply-batch.sql", import.meta.url), "utf8"),
  );
  const seqs = new Seqs();
  for (const batch of makeBatches(20)) {
    await write(whole, prepareWrite(toRows(batch, seqs)));
    const sent = batch.operations.map(({ patch, document, ...operation }): SentOperation => ({
      ...operation,
      deviceId: batch.deviceId,
      data: patch ?? document,
    }));
    await write(patching, prepareWrite(await patchDocuments(patching, sent, { seqs, patch: mergePatch })));
    const operations = sent.map(({ kind, clientId, documentId, baseVersion, data }) => ({
      operation: kind,
      client_id: clientId,
      document_id: documentId,
      ...(baseVersion > 0 ? { expected_version: baseVersion } : {}),
      ...(data === null ? {} : { data }),
    }));
    await looping.query("SELECT apply_batch($1, $2, gen_random_uuid(), $3)", [
      batch.workspaceId,
      batch.deviceId,
      JSON.stringify(operations),
    ]);
  }
  const tables = await readTables(whole);
  expect(tables.length).toBeGreaterThan(40);
  expect(await readTables(patching)).toEqual(tables);
  expect(await readTables(looping)).toEqual(tables);
});

test("the limit applies no operation twice, and none at another version", async () => {
  const client = await openDatabase();
  const [first, second] = makeBatches(2);
  if (first === undefined || second === undefined) throw new Error("no batches");
  const rows = toRows(first, new Seqs());
  await write(client, prepareWrite(rows));
  const tables = await readTables(client);
  await expect(write(client, prepareWrite(rows))).rejects.toThrow("0 of 10 operations were written");
  const stale = toRows(second, new Seqs()).map((row) => ({ ...row, s: row.s + 1_000, b: row.b + 1 }));
  await expect(write(client, prepareWrite(stale))).rejects.toThrow();
  expect(await readTables(client)).toEqual(tables);
});
