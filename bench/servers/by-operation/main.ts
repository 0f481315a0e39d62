// (a) and (b): one transaction a request, in which each operation is looked up, checked and written, one after the
// other.
import { randomUUID } from "node:crypto";
import { statementsIn } from "@syncline/store";
import { applyMergePatch, type JsonObject } from "@syncline/shared/document";
import type { PoolClient } from "pg";
import { openPool, serveBatches } from "../serve.ts";
import type { WireBatch, WireResult } from "../wire.ts";

const statement = statementsIn(new URL(".", import.meta.url));
const READ_LEDGER = statement("read-ledger");
const READ_DOCUMENT = statement("read-document");
const NEXT_SEQ = statement("next-seq");
const WRITE_DOCUMENT = statement("write-document");
const WRITE_CHANGE = statement("write-change");
const WRITE_LEDGER = statement("write-ledger");

const pool = openPool();

serveBatches(async (batch) => {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const results = await applyOneByOne(client, batch);
    await client.query("COMMIT");
    return results;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
});

async function applyOneByOne(client: PoolClient, batch: WireBatch): Promise<WireResult[]> {
  const { workspace_id: workspace, device_id: device, operations } = batch;
  const batchId = randomUUID();
  const found = await client.query<{ seq: number }>({ ...NEXT_SEQ, values: [workspace, operations.length] });
  let seq = found.rows[0]?.seq ?? 0;
  const results: WireResult[] = [];
  for (const { operation, client_id, document_id, expected_version = 0, data = null } of operations) {
    const known = await client.query({ ...READ_LEDGER, values: [workspace, device, client_id] });
    if (known.rows.length > 0) throw new Error(`${client_id} was already applied`);
    const { rows } = await client.query<{ version: number; data: JsonObject | null }>({
      ...READ_DOCUMENT,
      values: [workspace, document_id],
    });
    const current = rows[0];
    if ((current?.version ?? 0) !== expected_version) throw new Error(`${document_id} is at another version`);
    const next = operation === "update" ? applyMergePatch(current?.data ?? {}, data ?? {}) : data;
    const version = expected_version + 1;
    seq += 1;
    await client.query({ ...WRITE_DOCUMENT, values: [workspace, document_id, version, seq, next, device] });
    await client.query({ ...WRITE_CHANGE, values: [workspace, seq, document_id, version, next, device] });
    await client.query({
      ...WRITE_LEDGER,
      values: [
        workspace,
        device,
        client_id,
        batchId,
        operation,
        document_id,
        version,
        seq,
        expected_version || null,
        batchId,
      ],
    });
    results.push({ client_id, status: "success", document_id, version });
  }
  return results;
}
