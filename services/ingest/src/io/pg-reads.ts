import { camelRow, statementsIn, type Query } from "@syncline/store";
import type { JsonObject } from "@syncline/shared/document";
import {
  operationKey,
  resultOf,
  type DocumentBody,
  type LedgerRow,
  type OperationResult,
  type BatchId,
  type ClientId,
  type CollectionName,
  type DeviceId,
  type DocumentId,
  type Seq,
  type Version,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import {
  ANSWER_BYTES_MAX,
  RESULT_BYTES_MAX,
  type CarriedDocuments,
  type CarryingResult,
} from "../core/carried-documents.ts";

/** A batch from the tables, with the results of its pending operations from the ledger. */
export interface DrainedBatch {
  workspaceId: WorkspaceId;
  batchId: BatchId;
  deviceId: DeviceId;
  atomic: boolean;
  processingTimeMs: number;
  results: OperationResult[];
}

/** A document, or the tombstone that a delete left. */
export type StoredDocument = DocumentBody | { deleted: true; version: Version };

export interface PgReads {
  readDocument(
    workspaceId: WorkspaceId,
    collection: CollectionName,
    documentId: DocumentId,
  ): Promise<StoredDocument | undefined>;
  /** Reads those of the batches that have been drained. */
  readBatches(keys: readonly { workspaceId: WorkspaceId; batchId: BatchId }[]): Promise<DrainedBatch[]>;
  /** Reads the documents that a device's results report, without missing or too large ones. */
  readCarried(
    of: { workspaceId: WorkspaceId; deviceId: DeviceId },
    results: readonly CarryingResult[],
  ): Promise<CarriedDocuments>;
  /** Returns the owner of a device; an unclaimed device becomes this subject's. */
  claimDevice(workspaceId: WorkspaceId, deviceId: DeviceId, subject: string): Promise<string>;
}

const statement = statementsIn(new URL("../sql/", import.meta.url));
const READ_DOCUMENT = statement("read-document");
const READ_BATCHES = statement("read-batches");
const READ_LEDGER = statement("read-ledger");
const READ_CARRIED = statement("read-carried");
const CLAIM_DEVICE = statement("claim-device");

/**
 * Upper bound of the size of a document as Postgres text relative to compact JSON: Postgres puts spaces between values.
 */
const TEXT_BYTES_PER_BYTE = 1.5;

interface DocumentRow {
  workspace_id: string;
  collection: CollectionName;
  document_id: string;
  version: Version;
  seq: Seq;
  deleted: boolean;
  data: JsonObject;
  updated_at: Date;
}

interface BatchRow {
  workspace_id: string;
  batch_id: string;
  device_id: string;
  atomic: boolean;
  results: OperationResult[];
  processing_time_ms: number;
}

export function createPgReads(query: Query): PgReads {
  async function readLedger(
    keys: { workspaceId: WorkspaceId; deviceId: DeviceId; clientId: ClientId }[],
  ): Promise<LedgerRow[]> {
    if (keys.length === 0) return [];
    const rows = await query<Record<string, unknown>>(READ_LEDGER, [
      keys.map((key) => key.workspaceId),
      keys.map((key) => key.deviceId),
      keys.map((key) => key.clientId),
    ]);
    return rows.map((row) => camelRow<LedgerRow>(row));
  }

  return {
    async readDocument(workspaceId, collection, documentId) {
      const [row] = await query<DocumentRow>(READ_DOCUMENT, [workspaceId, collection, documentId]);
      if (row === undefined) return undefined;
      if (row.deleted) return { deleted: true, version: row.version };
      const { deleted: _, updated_at, ...document } = row;
      return { ...document, updated_at: updated_at.toISOString() };
    },

    async readBatches(keys) {
      if (keys.length === 0) return [];
      const rows = await query<BatchRow>(READ_BATCHES, [
        keys.map((key) => key.workspaceId),
        keys.map((key) => key.batchId),
      ]);
      const pending = rows.flatMap((row) =>
        row.results
          .filter((result) => result.status === "pending")
          .map((result) => ({
            workspaceId: row.workspace_id,
            deviceId: row.device_id,
            clientId: result.client_id,
          })),
      );
      const ledgerRows = await readLedger(pending);
      const rowByKey = new Map(
        ledgerRows.map((row) => [operationKey(row.workspaceId, row.deviceId, row.clientId), row]),
      );
      return rows.map((row) => ({
        workspaceId: row.workspace_id,
        batchId: row.batch_id,
        deviceId: row.device_id,
        atomic: row.atomic,
        processingTimeMs: row.processing_time_ms,
        results: row.results.map((result) => {
          if (result.status !== "pending") return result;
          const known = rowByKey.get(operationKey(row.workspace_id, row.device_id, result.client_id));
          return known === undefined ? result : resultOf(known, { replayed: known.batchId !== row.batch_id });
        }),
      }));
    },

    async readCarried({ workspaceId, deviceId }, results) {
      const rows = await query<{ client_id: string; data: JsonObject | null }>(READ_CARRIED, [
        workspaceId,
        deviceId,
        results.map((result) => result.client_id),
        results.map(({ version }) => version),
        RESULT_BYTES_MAX * TEXT_BYTES_PER_BYTE,
        ANSWER_BYTES_MAX * TEXT_BYTES_PER_BYTE,
      ]);
      return new Map(rows.map((row) => [row.client_id, row.data]));
    },

    async claimDevice(workspaceId, deviceId, subject) {
      // In a race the insert does nothing and the older row is not visible yet; the next statement sees it.
      for (;;) {
        const [row] = await query<{ subject: string }>(CLAIM_DEVICE, [workspaceId, deviceId, subject]);
        if (row !== undefined) return row.subject;
      }
    },
  };
}
