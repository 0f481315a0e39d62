import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { applyMergePatch, type JsonObject, type JsonPatchStep } from "@syncline/shared";
import { applyJsonPatch } from "../../libs/shared/src/consolidate/json-patch.ts";
import type { WorkOperation } from "../work/work.ts";
import { connectClients, Seqs, write } from "./limit.ts";
import type { Target, TargetOptions } from "./target.ts";

const READ = {
  name: "limit-read",
  text: readFileSync(new URL("../limit/read.sql", import.meta.url), "utf8"),
};

interface Row {
  readonly workspace_id: string;
  readonly document_id: string;
  readonly version: number;
  readonly data: JsonObject | null;
}

/**
 * The fairer limit: the same bare client is given what a device sends, a patch and the version that it is meant for. It
 * reads the documents, applies the patches, and writes, in two round trips.
 */
export async function connectLimitRmw(options: TargetOptions): Promise<Target> {
  const clients = await connectClients(options);
  const seqs = new Seqs();
  const asJsonPatch = options.own["patch"] === "JSON Patch";
  return {
    prepare({ deviceId, operations }, connection) {
      const client = clients[connection];
      const steps = operations.map(({ patch }) =>
        asJsonPatch && patch !== null ? toJsonPatch(patch) : undefined,
      );
      const met = operations.filter(({ kind }) => kind !== "create");
      const keys = [met.map(({ workspaceId }) => workspaceId), met.map(({ documentId }) => documentId)];
      return async () => {
        const answer = await client?.query<Row>({ ...READ, values: keys });
        const rowByKey = new Map(answer?.rows.map((row) => [`${row.workspace_id} ${row.document_id}`, row]));
        const rows = operations.map((operation, index) => {
          const { workspaceId, clientId, documentId, kind, baseVersion } = operation;
          const found = rowByKey.get(`${workspaceId} ${documentId}`);
          if ((found?.version ?? 0) !== baseVersion)
            throw new Error(`${documentId} is not at ${baseVersion}`);
          return {
            w: workspaceId,
            d: deviceId,
            c: clientId,
            i: documentId,
            k: kind,
            b: baseVersion,
            s: seqs.next(workspaceId),
            x: apply(operation, found?.data ?? null, steps[index]),
          };
        });
        await write(client, {
          operations: operations.length,
          values: [JSON.stringify(rows), randomUUID(), randomUUID()],
        });
      };
    },
    close: async () => void (await Promise.all(clients.map((client) => client.end()))),
  };
}

function apply(
  { kind, patch, document }: WorkOperation,
  found: JsonObject | null,
  steps: JsonPatchStep[] | undefined,
): JsonObject | null {
  if (kind !== "update" || patch === null || found === null) return document;
  if (steps === undefined) return applyMergePatch(found, patch);
  const patched = applyJsonPatch(found, steps);
  if (!patched.ok) throw new Error(patched.message);
  return patched.value as JsonObject;
}

function toJsonPatch(patch: JsonObject): JsonPatchStep[] {
  return Object.entries(patch).map(([key, value]) => ({ op: "replace", path: `/${key}`, value }));
}
