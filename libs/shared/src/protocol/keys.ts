import type { ClientId, CollectionName, DeviceId, DocumentId, WorkspaceId } from "../ids/ids.ts";
/** A control character separates ids without escaping, because ids contain none. */
const SEPARATOR = "\u001f";

/** Names an operation: (workspace, device, `client_id`). */
export function operationKey(workspaceId: WorkspaceId, deviceId: DeviceId, clientId: ClientId): string {
  return workspaceId + SEPARATOR + deviceId + SEPARATOR + clientId;
}

/** Names a document: (workspace, collection, document id). */
export function documentKey(
  workspaceId: WorkspaceId,
  collection: CollectionName,
  documentId: DocumentId,
): string {
  return workspaceId + SEPARATOR + collection + SEPARATOR + documentId;
}

/** Names a device's operations on one document: the scope of a conflict and of the operations held behind it. */
export function deviceDocumentKey(deviceId: DeviceId, documentKey: string): string {
  return deviceId + SEPARATOR + documentKey;
}
