// (c): the loop of (a) inside Postgres: one call a batch.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { openPool, serveBatches } from "../serve.ts";
import type { WireResult } from "../wire.ts";

const pool = openPool();
await pool.query(readFileSync(new URL("apply-batch.sql", import.meta.url), "utf8"));

serveBatches(async ({ workspace_id, device_id, operations }) => {
  const { rows } = await pool.query<{ results: WireResult[] }>({
    name: "apply-batch",
    text: "SELECT apply_batch($1, $2, $3, $4) AS results",
    values: [workspace_id, device_id, randomUUID(), JSON.stringify(operations)],
  });
  return rows[0]?.results ?? [];
});
