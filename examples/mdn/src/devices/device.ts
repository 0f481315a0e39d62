import { buildMergePatch, type FieldWrite } from "../field-writes.ts";
import type { JsonObject } from "../json.ts";

/** The effect of an operation on its document. */
export type DocumentChange =
  | { readonly kind: "create"; readonly data: JsonObject }
  | { readonly kind: "update"; readonly writes: readonly FieldWrite[] }
  | { readonly kind: "delete" };

/** One operation as its device planned it. */
export interface PlannedOperation {
  readonly clientId: string;
  readonly documentId: string;
  readonly change: DocumentChange;
}

/** One installation of the app: its operations, as runs on one document each. */
export interface Device {
  readonly deviceId: string;
  readonly runs: readonly (readonly PlannedOperation[])[];
}

const OPERATIONS_PER_BATCH_MAX = 100;
/** The version of every imported document, from which both devices start. */
const IMPORTED_VERSION = 1;

/** Numbers the planned changes: `name-000001`, `name-000002`, … */
export function planDevice(
  name: string,
  runId: string,
  changesByDocumentId: Iterable<readonly [documentId: string, changes: readonly DocumentChange[]]>,
): Device {
  let number = 0;
  const runs = Array.from(changesByDocumentId, ([documentId, changes]) =>
    changes.map((change) => ({
      clientId: `${name}-${String(++number).padStart(6, "0")}`,
      documentId,
      change,
    })),
  );
  return { deviceId: `mdn-${name}-${runId}`, runs };
}

/** Packs the runs into batches; a run stays in one batch, because batches are sent concurrently. */
export function packBatches(device: Device): PlannedOperation[][] {
  const batches: PlannedOperation[][] = [];
  let open: PlannedOperation[] = [];
  for (const run of device.runs) {
    if (open.length + run.length > OPERATIONS_PER_BATCH_MAX && open.length > 0) {
      batches.push(open);
      open = [];
    }
    open.push(...run);
  }
  if (open.length > 0) batches.push(open);
  return batches;
}

/** Converts an operation to its form in the batch request. */
export function toRequestOperation(operation: PlannedOperation, collection: string): JsonObject {
  const { clientId, documentId, change } = operation;
  const named = { operation: change.kind, client_id: clientId, collection, document_id: documentId };
  switch (change.kind) {
    case "create":
      return { ...named, data: change.data };
    case "update":
      return { ...named, data: buildMergePatch(change.writes), expected_version: IMPORTED_VERSION };
    case "delete":
      return { ...named, expected_version: IMPORTED_VERSION };
    default:
      return change satisfies never;
  }
}
