/** Ids carry no control character, so this separates them without escaping. */
const SEPARATOR = "\u001f";

/** Names an operation: (workspace, device, `client_id`). */
export function operationKey(workspaceId: string, deviceId: string, clientId: string): string {
  return workspaceId + SEPARATOR + deviceId + SEPARATOR + clientId;
}

/** Names a document: (workspace, collection, document id). */
export function documentKey(workspaceId: string, collection: string, documentId: string): string {
  return workspaceId + SEPARATOR + collection + SEPARATOR + documentId;
}

/** Names what one device does to one document: the scope of a conflict and of what is held behind it. */
export function deviceDocumentKey(deviceId: string, documentKey: string): string {
  return deviceId + SEPARATOR + documentKey;
}
