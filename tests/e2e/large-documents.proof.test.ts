import { DOCUMENT_BYTES_MAX } from "@syncline/shared/document";
import type { DocumentBody } from "@syncline/shared/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createClient, eventually, startSystem, type Client, type System } from "../support/system.ts";

let system: System;
let client: Client;
beforeAll(async () => {
  // The minimum of a worker: less than the text that this test writes.
  system = await startSystem({ env: { NODE_OPTIONS: "--max-old-space-size=96" } });
});
afterAll(() => system.stop());
beforeEach(async () => {
  client = await createClient(system);
});

let sent = 0;
const operation = (kind: string, document_id: string, data?: object) => ({
  operation: kind,
  client_id: `op_${++sent}`,
  document_id,
  ...(data && { data }),
});
/** Sends a batch until all of it is applied. */
const postBy = (device_id: string, ...operations: object[]) =>
  eventually(async () => {
    const { status, body } = await client.post({ device_id, operations });
    expect(status).not.toBe(202);
    return body.results.map(({ status, error_type }) =>
      error_type === undefined ? status : `${status} ${error_type}`,
    );
  });
const post = (...operations: object[]) => postBy("dev_1", ...operations);
const read = async (documentId: string) =>
  (await client.get<DocumentBody>(`/documents/documents/${documentId}`)).body;

describe("a document", () => {
  it("of the largest size is written a hundred times by one batch, and the lane continues", async () => {
    const text = "x".repeat(DOCUMENT_BYTES_MAX - 100);
    expect(await post(operation("put", "a", { text }), operation("put", "b", { text }))).toEqual([
      "success",
      "success",
    ]);
    // Alternating between two documents prevents folds: each change holds the whole document.
    const inTurn = Array.from({ length: 100 }, (_, n) => operation("update", n % 2 === 0 ? "a" : "b", { n }));
    expect(new Set(await post(...inTurn))).toEqual(new Set(["success"]));
    expect(await read("b")).toMatchObject({ version: 51, data: { n: 99 } });
    expect(await post(operation("put", "c", {}))).toEqual(["success"]);
  });

  it("costs no memory for the content of its conflicts' records", async () => {
    const text = "x".repeat(DOCUMENT_BYTES_MAX - 100);
    const ids = Array.from({ length: 16 }, (_, n) => `doc_${n}`);
    for (const id of ids) await post(operation("put", id, { text }));
    // Sets the records as merges about the whole document leave them.
    const { rowCount } = await system.pool.query(
      `INSERT INTO conflicts (
         workspace_id, conflict_id, collection, document_id, device_id, device_declared, status, strategy, round,
         base_version, current_version, ancestor, device_view, ancestor_view, remote_view, local_view, operation_count,
         operation_bytes, result, overlap_list, resolved_version, resolved_seq, revision, trace, opened_at, updated_at
       )
       SELECT workspace_id, gen_random_uuid(), collection, document_id, 'dev_2', true, 'resolved', 'merge', 1,
         1, 1, data, data, data, data, data, 0, 0, data, jsonb_build_array(data), 1, seq, 1, '{}', now(), now()
       FROM documents WHERE workspace_id = $1`,
      [client.workspaceId],
    );
    expect(rowCount).toBe(ids.length);
    const updates = ids.map((id) => operation("update", id, { n: 1 }));
    expect(new Set(await postBy("dev_2", ...updates))).toEqual(new Set(["success"]));
    expect(await read("doc_15")).toMatchObject({ version: 2, data: { text, n: 1 } });
  });

  it("that would be larger is an error, changes nothing, and delays no other operation", async () => {
    const part = { text: "x".repeat(600_000) };
    expect(
      await post(
        operation("put", "a", part),
        operation("update", "a", { more: part }),
        operation("put", "b", { part, more: part }),
        operation("update", "a", { n: 1 }),
      ),
    ).toEqual(["success", "error document_too_large", "error document_too_large", "success"]);
    expect(await read("a")).toMatchObject({ version: 2, data: { ...part, n: 1 } });
  });

  it("that was larger before the limit existed is read, deleted, and made smaller", async () => {
    await post(operation("put", "old", {}), operation("put", "gone", {}));
    const text = "x".repeat(5_000_000);
    await system.pool.query("UPDATE documents SET data = $2 WHERE workspace_id = $1", [
      client.workspaceId,
      { text, more: text },
    ]);
    expect(await read("old")).toMatchObject({ data: { text, more: text } });
    expect(
      await post(
        operation("update", "old", { n: 1 }),
        operation("delete", "gone"),
        operation("update", "old", { text: "short", more: null }),
      ),
    ).toEqual(["error document_too_large", "success", "success"]);
    expect(await read("old")).toMatchObject({ version: 2, data: { text: "short" } });
  });
});
