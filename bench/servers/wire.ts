import type { JsonObject } from "@syncline/shared/document";
import type { SentOperation } from "../limit/patch-documents.ts";

/** The batch on the wire: the fields of Syncline's batch that the work uses. */
export interface WireBatch {
  readonly workspace_id: string;
  readonly device_id: string;
  readonly operations: readonly WireOperation[];
}

export interface WireOperation {
  readonly operation: "create" | "update" | "delete";
  readonly client_id: string;
  readonly document_id: string;
  readonly expected_version?: number;
  readonly data?: JsonObject;
}

export interface WireResult {
  readonly client_id: string;
  readonly status: "success";
  readonly document_id: string;
  readonly version: number;
}

export function toOperations({ workspace_id, device_id, operations }: WireBatch): SentOperation[] {
  return operations.map(({ operation, client_id, document_id, expected_version = 0, data = null }) => ({
    workspaceId: workspace_id,
    deviceId: device_id,
    clientId: client_id,
    documentId: document_id,
    kind: operation,
    baseVersion: expected_version,
    data,
  }));
}

/** The results if every operation succeeded. */
export function successes({ operations }: WireBatch): WireResult[] {
  return operations.map(({ client_id, document_id, expected_version = 0 }) => ({
    client_id,
    status: "success",
    document_id,
    version: expected_version + 1,
  }));
}
