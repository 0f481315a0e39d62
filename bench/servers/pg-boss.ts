// (e): pg-boss in front of the limit's statement. A batch is a job with its operations as data; NOTIFY wakes the worker,
// which takes up to 16 jobs at once and writes them with one statement. The request waits until its job is done.
import { randomUUID } from "node:crypto";
import { importPackage } from "../import-package.ts";
import { mergePatch, patchDocuments } from "../limit/patch-documents.ts";
import { prepareWrite, Seqs, write } from "../limit/write-rows.ts";
import { openPool, serveBatches } from "./serve.ts";
import { WaitingRequests } from "./waiting-requests.ts";
import { successes, toOperations, type WireBatch } from "./wire.ts";

interface Boss {
  start(): Promise<unknown>;
  createQueue(name: string, options: object): Promise<void>;
  send(name: string, data: object, options: object): Promise<string | null>;
  work(name: string, options: object, handler: (jobs: Job[]) => Promise<void>): Promise<string>;
  on(event: "error", listener: (error: unknown) => void): void;
}

interface Job {
  readonly id: string;
  readonly data: WireBatch;
}

const QUEUE = "batches";
const { PgBoss } = await importPackage<{ PgBoss: new (options: object) => Boss }>("pg-boss");
const pool = openPool();
const seqs = new Seqs();
const waiting = new WaitingRequests();
const boss = new PgBoss({
  connectionString: process.env["DATABASE_URL"],
  max: Number(process.env["CONNECTIONS"]),
  useListenNotify: true,
});
boss.on("error", (error) => console.error(error));
await boss.start();
await boss.createQueue(QUEUE, { notify: true, retryLimit: 0 });
await boss.work(QUEUE, { batchSize: 16, localConcurrency: 2, burstWhenBatchFull: true }, async (jobs) => {
  const client = await pool.connect();
  try {
    const operations = jobs.flatMap(({ data }) => toOperations(data));
    await write(client, prepareWrite(await patchDocuments(client, operations, { seqs, patch: mergePatch })));
    for (const { id } of jobs) waiting.settle(id);
  } catch (error) {
    for (const { id } of jobs) waiting.settle(id, error);
    throw error;
  } finally {
    client.release();
  }
});

serveBatches(async (batch) => {
  const id = randomUUID();
  const done = waiting.wait(id);
  await boss.send(QUEUE, batch, { id });
  await done;
  return successes(batch);
});
