import type { ClientBase } from "pg";
import { seedDocuments, workspaceId, type Ground } from "../workload/documents.ts";

/**
 * Inserts documents as if a device had created them and changed each of them up to the ground's version: every version
 * is a change, and all but the first are in the ledger.
 */
export async function seed(client: ClientBase, ground: Ground): Promise<void> {
  for (let workspace = 0; workspace < ground.workspaces; workspace++) {
    await seedWorkspace(client, ground, workspace);
  }
  await client.query("VACUUM ANALYZE");
}

/** Inserts additional documents, evenly over the workspaces. */
export async function seedMoreDocuments(
  client: ClientBase,
  { workspaces }: Ground,
  documents: number,
): Promise<void> {
  await client.query(
    `INSERT INTO documents (workspace_id, collection, document_id, version, seq, deleted, data, writer_device_id, run_base_version, updated_at)
     SELECT ($1::text[])[1 + n % cardinality($1::text[])], 'documents', 'doc_' || md5(n::text), 1, 1, false, one.data, 'seed', 0, now()
     FROM generate_series(1, $2::integer) n, (SELECT data FROM documents LIMIT 1) one`,
    [Array.from({ length: workspaces }, (_, index) => workspaceId(index)), documents],
  );
  await client.query("VACUUM ANALYZE");
}

async function seedWorkspace(client: ClientBase, ground: Ground, workspace: number): Promise<void> {
  const { version = 1 } = ground;
  const id = workspaceId(workspace);
  const rows = seedDocuments(ground, workspace).map(({ documentId, data }, index) => ({
    n: index,
    i: documentId,
    x: data,
  }));
  const values = [JSON.stringify(rows), id, version];
  const input = "json_to_recordset($1::json) AS r (n bigint, i text, x jsonb)";
  // Inserts document by document: the versions of a document are neighbours in the feed.
  await client.query(
    `INSERT INTO documents (workspace_id, collection, document_id, version, seq, deleted, data, writer_device_id, run_base_version, updated_at)
     SELECT $2, 'documents', i, $3, (n + 1) * $3, false, x, 'seed', 0, now()
     FROM ${input}`,
    values,
  );
  await client.query(
    `INSERT INTO changes (workspace_id, seq, collection, document_id, first_version, version, deleted, data, device_id, committed_at, revision)
     SELECT $2, n * $3 + v, 'documents', i, v, v, false, x, 'seed', now(), 1
     FROM ${input}, generate_series(1, $3::bigint) v`,
    values,
  );
  await client.query(
    `INSERT INTO operations (
       workspace_id, device_id, client_id, batch_id, fingerprint, operation, collection, document_id, status, version, seq,
       merged, subject, request_id, accepted_at, settled_at, settled_revision
     )
     SELECT $2, 'seed', 'op_' || n || '_' || v, gen_random_uuid(), md5(v::text), 'update', 'documents', i, 'success', v, n * $3 + v,
       false, 'seed', 'seed', now(), now(), 1
     FROM json_to_recordset($1::json) AS r (n bigint, i text), generate_series(2, $3::bigint) v`,
    values,
  );
  await client.query("INSERT INTO workspaces (workspace_id, seq, revision) VALUES ($1, $2, 1)", [
    id,
    rows.length * version,
  ]);
}
