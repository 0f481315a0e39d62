// A handler without a queue: the limit that reads and patches, behind HTTP.
import { openPool, serveBatches } from "./serve.ts";
import { mergePatch, patchDocuments } from "../limit/patch-documents.ts";
import { prepareWrite, Seqs, write } from "../limit/write-rows.ts";
import { successes, toOperations } from "./wire.ts";

const pool = openPool();
const seqs = new Seqs();

serveBatches(async (batch) => {
  const client = await pool.connect();
  try {
    await write(
      client,
      prepareWrite(await patchDocuments(client, toOperations(batch), { seqs, patch: mergePatch })),
    );
  } finally {
    client.release();
  }
  return successes(batch);
});
