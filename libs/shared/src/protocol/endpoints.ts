import type { BatchId, ClientId, CollectionName, ConflictId, DocumentId, WorkspaceId } from "../ids/ids.ts";
import type { Role } from "./role.ts";

/** A route of the HTTP API. */
export interface Endpoint {
  method: "get" | "post";
  /** The path, with its parameters as `:name`. */
  path: string;
  /** The lowest role in the workspace that may use the route; without one no token is needed. */
  role?: Role;
}

const WORKSPACE = "/api/v1/workspaces/:workspaceId";
const DOCUMENT = `${WORKSPACE}/documents/:collection/:documentId` as const;
const OPERATION = `${WORKSPACE}/operations/:clientId` as const;
const CONFLICT = `${WORKSPACE}/conflicts/:conflictId` as const;

/**
 * Every route of the API that clients use. The services' routes, their access rights, the OpenAPI document, the table of
 * the reference and the tests of access follow this table.
 */
export const ENDPOINTS = {
  getRoot: { method: "get", path: "/" },
  getOpenApi: { method: "get", path: "/openapi.json" },
  postBatch: { method: "post", path: "/api/v1/documents/batch", role: "writer" },
  getBatch: { method: "get", path: "/api/v1/batches/:batchId", role: "reader" },
  getBatchEvents: { method: "get", path: "/api/v1/batches/:batchId/events", role: "reader" },
  listWorkspaces: { method: "get", path: "/api/v1/workspaces", role: "reader" },
  listDocuments: { method: "get", path: `${WORKSPACE}/documents/:collection`, role: "reader" },
  getDocument: { method: "get", path: DOCUMENT, role: "reader" },
  getHistory: { method: "get", path: `${DOCUMENT}/history`, role: "reader" },
  getChanges: { method: "get", path: `${WORKSPACE}/changes`, role: "reader" },
  getChangeEvents: { method: "get", path: `${WORKSPACE}/changes/events`, role: "reader" },
  getEvents: { method: "get", path: "/api/v1/events", role: "reader" },
  getSnapshot: { method: "get", path: `${WORKSPACE}/snapshot`, role: "reader" },
  listOperations: { method: "get", path: `${WORKSPACE}/operations`, role: "reader" },
  getOperation: { method: "get", path: OPERATION, role: "reader" },
  replayOperation: { method: "post", path: `${OPERATION}/replay`, role: "admin" },
  listConflicts: { method: "get", path: `${WORKSPACE}/conflicts`, role: "reader" },
  getConflict: { method: "get", path: CONFLICT, role: "reader" },
  previewConflict: { method: "get", path: `${CONFLICT}/preview`, role: "reader" },
  resolveConflict: { method: "post", path: `${CONFLICT}/resolve`, role: "writer" },
} as const satisfies Record<string, Endpoint>;

export type EndpointName = keyof typeof ENDPOINTS;

/** The routes of the conflict service. Ingest forwards the first three, and uses the last one itself. */
export const CONFLICT_SERVICE_ENDPOINTS = {
  listConflicts: ENDPOINTS.listConflicts,
  getConflict: ENDPOINTS.getConflict,
  previewConflict: ENDPOINTS.previewConflict,
  getDecision: { method: "get", path: `${CONFLICT}/decision`, role: "reader" },
} as const satisfies Record<string, Endpoint>;

interface PathParameters {
  workspaceId: WorkspaceId;
  collection: CollectionName;
  documentId: DocumentId;
  clientId: ClientId;
  batchId: BatchId;
  conflictId: ConflictId;
}

type NamesIn<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesIn<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

/** The parameters in a path. */
export type ParametersOf<Path extends string> = Pick<PathParameters, NamesIn<Path> & keyof PathParameters>;
