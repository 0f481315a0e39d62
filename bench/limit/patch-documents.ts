import { readFileSync } from "node:fs";
import { applyMergePatch, type JsonObject } from "@syncline/shared/document";
import type { ClientBase } from "pg";
import type { Seqs, WriteRow } from "./write-rows.ts";

const READ = { name: "limit-read", text: readFileSync(new URL("read.sql", import.meta.url), "utf8") };

/** An operation as a device sends it. */
export interface SentOperation {
  readonly workspaceId: string;
  readonly deviceId: string;
  readonly clientId: string;
  readonly documentId: string;
  readonly kind: "create" | "update" | "delete";
  readonly baseVersion: number;
  /** The document for a create, the patch for an update. */
  readonly data: JsonObject | null;
}

/** Applies an update's patch to the current document. */
export type Patch = (document: JsonObject, operation: SentOperation, index: number) => JsonObject;

export const mergePatch: Patch = (document, { data }) => applyMergePatch(document, data ?? {});

interface Row {
  readonly workspace_id: string;
  readonly document_id: string;
  readonly version: number;
  readonly data: JsonObject | null;
}

/**
 * Reads the operations' documents in one round trip, and turns each operation into the row to write.
 * @throws if a document is at another version
 */
export async function patchDocuments(
  client: ClientBase,
  operations: readonly SentOperation[],
  { seqs, patch }: { seqs: Seqs; patch: Patch },
): Promise<WriteRow[]> {
  const met = operations.filter(({ kind }) => kind !== "create");
  const values = [met.map(({ workspaceId }) => workspaceId), met.map(({ documentId }) => documentId)];
  const { rows } = await client.query<Row>({ ...READ, values });
  const rowByKey = new Map(rows.map((row) => [`${row.workspace_id} ${row.document_id}`, row]));
  return operations.map((operation, index) => {
    const { workspaceId, deviceId, clientId, documentId, kind, baseVersion, data } = operation;
    const found = rowByKey.get(`${workspaceId} ${documentId}`);
    if ((found?.version ?? 0) !== baseVersion) {
      throw new Error(`${documentId} is at version ${found?.version}, expected ${baseVersion}`);
    }
    return {
      w: workspaceId,
      d: deviceId,
      c: clientId,
      i: documentId,
      k: kind,
      b: baseVersion,
      s: seqs.next(workspaceId),
      x: kind === "update" ? patch(found?.data ?? {}, operation, index) : data,
    };
  });
}
