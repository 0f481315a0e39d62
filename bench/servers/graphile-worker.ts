// (e): Graphile Worker in front of the limit's statement. A batch is a job with its operations as payload; NOTIFY wakes
// the workers. The request waits until its job is done.
import { randomUUID } from "node:crypto";
import { importPackage } from "../import-package.ts";
import { mergePatch, patchDocuments } from "../limit/patch-documents.ts";
import { prepareWrite, Seqs, write } from "../limit/write-rows.ts";
import { openPool, serveBatches } from "./serve.ts";
import { WaitingRequests } from "./waiting-requests.ts";
import { successes, toOperations, type WireBatch } from "./wire.ts";

interface Runner {
  addJob(task: string, payload: object, spec: object): Promise<unknown>;
}

interface GraphileWorker {
  run(this: void, options: object): Promise<Runner>;
}

interface Payload {
  readonly id: string;
  readonly batch: WireBatch;
}

const { run } = await importPackage<GraphileWorker>("graphile-worker");
const connections = Number(process.env["CONNECTIONS"]);
const pool = openPool();
const seqs = new Seqs();
const waiting = new WaitingRequests();

async function apply({ id, batch }: Payload): Promise<void> {
  const client = await pool.connect();
  try {
    await write(
      client,
      prepareWrite(await patchDocuments(client, toOperations(batch), { seqs, patch: mergePatch })),
    );
    waiting.settle(id);
  } catch (error) {
    waiting.settle(id, error);
    throw error;
  } finally {
    client.release();
  }
}

const runner = await run({
  preset: {
    worker: {
      connectionString: process.env["DATABASE_URL"],
      concurrentJobs: connections,
      maxPoolSize: connections + 4,
      localQueue: { size: connections + 1 },
      completeJobBatchDelay: 0,
    },
  },
  taskList: { apply },
});

serveBatches(async (batch) => {
  const id = randomUUID();
  const done = waiting.wait(id);
  await runner.addJob("apply", { id, batch }, { maxAttempts: 1 });
  await done;
  return successes(batch);
});
