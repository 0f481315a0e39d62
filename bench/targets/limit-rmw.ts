import { OPERATION_VALUES_MAX, type JsonObject, type JsonPatchStep } from "@syncline/shared/document";
import { applyJsonPatch } from "../../libs/shared/src/document/json-patch.ts";
import { mergePatch, patchDocuments, type Patch, type SentOperation } from "../limit/patch-documents.ts";
import { prepareWrite, Seqs, write } from "../limit/write-rows.ts";
import { clientOf, closeClients, connectClients } from "./limit.ts";
import type { Target, TargetOptions } from "./target.ts";

/**
 * The fairer limit: the bare client receives a device's operations, each a patch with its base version. It reads the
 * documents, applies the patches, and writes: two round trips.
 */
export async function connectLimitRmw(options: TargetOptions): Promise<Target> {
  const clients = await connectClients(options);
  const seqs = new Seqs();
  const asJsonPatch = options.own["patch"] === "JSON Patch";
  return {
    prepare({ deviceId, operations }, connection) {
      const client = clientOf(clients, connection);
      const sent = operations.map(({ patch, document, ...operation }): SentOperation => ({
        ...operation,
        deviceId,
        data: patch ?? document,
      }));
      const steps = asJsonPatch ? sent.map(({ kind, data }) => (kind === "update" ? toSteps(data) : [])) : [];
      const patch: Patch = asJsonPatch
        ? (document, _operation, index) => applySteps(document, steps[index] ?? [])
        : mergePatch;
      return async () => write(client, prepareWrite(await patchDocuments(client, sent, { seqs, patch })));
    },
    close: () => closeClients(clients),
  };
}

/** The same change as a JSON Patch. */
function toSteps(patch: JsonObject | null): JsonPatchStep[] {
  return Object.entries(patch ?? {}).map(([key, value]) => ({ op: "replace", path: `/${key}`, value }));
}

function applySteps(document: JsonObject, steps: readonly JsonPatchStep[]): JsonObject {
  const patched = applyJsonPatch(document, steps, { left: OPERATION_VALUES_MAX });
  if (!patched.ok) throw new Error(patched.message);
  return patched.value as JsonObject;
}
