import { mapInSlices } from "@syncline/kit/process";
import {
  documentKey,
  operationKey,
  type LedgerRow,
  type OperationResult,
  type StoredEntry,
} from "@syncline/shared/protocol";
import { arrayLiteral, camelRow, type Pool } from "@syncline/store";
import { keysOf, type BatchedOperation, type DocumentPlace, type WindowKeys } from "../core/window-keys.ts";
import type {
  ConflictState,
  DocumentState,
  HeldRow,
  WindowState,
  WorkspaceState,
} from "../core/window-state.ts";
import { dataOf, requireAllRead, withoutLeftOut } from "./document-rows.ts";
import { sendPipelined, type Call, type Row } from "./send-pipelined.ts";
import { statement } from "./sql.ts";

const READ_WORKSPACES = statement("read-workspaces");
const READ_BATCHES = statement("read-batches");
const READ_LEDGER = statement("read-ledger");
const READ_LEDGER_DROPPED = statement("read-ledger-dropped");
const READ_DOCUMENTS = statement("read-documents");
const READ_CONFLICTS = statement("read-conflicts");
const READ_HELD = statement("read-held");

/** Reads everything that a window's outcome depends on, but for its history. */
export async function readWindow(
  pool: Pool,
  entries: readonly StoredEntry[],
  bytesMax = Number.MAX_SAFE_INTEGER,
): Promise<Omit<WindowState, "epoch">> {
  const keys = keysOf(entries);
  const rows = await sendPipelined(pool, callsOf(keys, bytesMax));
  const [
    workspaces = [],
    batches = [],
    ledger = [],
    [dropped] = [],
    conflicts = [],
    documents = [],
    held = [],
  ] = rows;
  requireAllRead(documents);
  return {
    workspaceById: new Map(
      workspaces.map((row) => [String(row["workspace_id"]), camelRow<WorkspaceState>(row)]),
    ),
    resultsByBatchId: new Map(
      batches.map((row) => [String(row["batch_id"]), row["results"] as OperationResult[]]),
    ),
    ledgerRowByKey: new Map(ledger.map((row) => ledgerEntryOf(camelRow<LedgerRow>(row)))),
    ledgerDroppedToMs: (dropped?.["dropped_to_ms"] ?? null) as number | null,
    conflicts: conflicts.map((row) => camelRow<ConflictState>(row)),
    runByConflictId: runsOf(keys, held),
    historyByKey: new Map(),
    documentByKey: new Map([
      ...keys.documents.map(({ workspaceId, collection, documentId }): DocumentEntry => [
        documentKey(workspaceId, collection, documentId),
        null,
      ]),
      ...(await mapInSlices(documents, documentEntryOf)),
    ]),
  };
}

function callsOf(keys: WindowKeys, bytesMax: number): Call[] {
  const { workspaceIds, batches, operations, documents, deviceDocuments, conflicts } = keys;
  const ofOperations = (pick: (on: BatchedOperation) => string) => arrayLiteral(operations.map(pick));
  const ofDevices = (pick: (on: BatchedOperation) => string) => arrayLiteral(deviceDocuments.map(pick));
  const ofDocuments = (pick: (document: DocumentPlace) => string) => arrayLiteral(documents.map(pick));
  const conflictKeys = [
    conflicts.map(({ workspaceId }) => workspaceId),
    conflicts.map(({ conflictId }) => conflictId),
  ];
  const ofLedger = [
    ofOperations(({ batch }) => batch.workspaceId),
    ofOperations(({ batch }) => batch.deviceId),
    ofOperations(({ operation }) => operation.clientId),
  ];
  const ofConflicts = [
    ofDevices(({ batch }) => batch.workspaceId),
    ofDevices(({ operation }) => operation.collection),
    ofDevices(({ operation }) => operation.documentId),
    ofDevices(({ batch }) => batch.deviceId),
  ];
  const ofDocument = [
    ofDocuments(({ workspaceId }) => workspaceId),
    ofDocuments(({ collection }) => collection),
    ofDocuments(({ documentId }) => documentId),
  ];
  const calls: Call[] = [
    [READ_WORKSPACES, [workspaceIds]],
    [READ_BATCHES, [batches.map(({ workspaceId }) => workspaceId), batches.map(({ batchId }) => batchId)]],
    [READ_LEDGER, [...ofLedger, ...conflictKeys]],
    [READ_LEDGER_DROPPED],
    [READ_CONFLICTS, [...ofConflicts, ...conflictKeys]],
    [READ_DOCUMENTS, [...ofDocument, bytesMax]],
  ];
  if (conflicts.length > 0) calls.push([READ_HELD, [...conflictKeys, conflicts.map(({ whole }) => whole)]]);
  return calls;
}

type DocumentEntry = [key: string, document: DocumentState | null];

function documentEntryOf(row: Row): DocumentEntry {
  return [
    documentKey(String(row["workspace_id"]), String(row["collection"]), String(row["document_id"])),
    camelRow<DocumentState>({ ...withoutLeftOut(row), data: dataOf(row["data"]) }),
  ];
}

function ledgerEntryOf(row: LedgerRow): [key: string, row: LedgerRow] {
  return [operationKey(row.workspaceId, row.deviceId, row.clientId), row];
}

function runsOf({ conflicts }: WindowKeys, held: readonly Row[]): Map<string, HeldRow[]> {
  return new Map([
    ...conflicts.map(({ conflictId }): [string, HeldRow[]] => [conflictId, []]),
    ...Map.groupBy(
      held.map((row) => camelRow<HeldRow>(row)),
      ({ conflictId }) => conflictId,
    ),
  ]);
}
