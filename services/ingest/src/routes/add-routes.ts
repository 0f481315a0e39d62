import {
  Problem,
  type BatchId,
  type ClientId,
  type CollectionName,
  type ConflictId,
  type DocumentId,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import { requireNoQuery } from "@syncline/kit/http";
import type { Express, RequestHandler } from "express";

export interface Routes {
  getRoot: RequestHandler;
  getOpenApi: RequestHandler;
  postBatch: RequestHandler;
  getBatch: RequestHandler<{ batchId: BatchId }>;
  getBatchEvents: RequestHandler<{ batchId: BatchId }>;
  getDocument: RequestHandler<{
    workspaceId: WorkspaceId;
    collection: CollectionName;
    documentId: DocumentId;
  }>;
  getHistory: RequestHandler<{
    workspaceId: WorkspaceId;
    collection: CollectionName;
    documentId: DocumentId;
  }>;
  getChanges: RequestHandler<{ workspaceId: WorkspaceId }>;
  getChangeEvents: RequestHandler<{ workspaceId: WorkspaceId }>;
  getSnapshot: RequestHandler<{ workspaceId: WorkspaceId }>;
  listOperations: RequestHandler<{ workspaceId: WorkspaceId }>;
  getOperation: RequestHandler<{ workspaceId: WorkspaceId; clientId: ClientId }>;
  replayOperation: RequestHandler<{ workspaceId: WorkspaceId; clientId: ClientId }>;
  forwardConflicts: RequestHandler<{ workspaceId: WorkspaceId; conflictId?: ConflictId }>;
  resolveConflict: RequestHandler<{ workspaceId: WorkspaceId; conflictId: ConflictId }>;
}

/** Adds the public API. A route without {@link requireNoQuery} reads its parameters itself. */
export function addRoutes(app: Express, routes: Routes): void {
  app.get("/", requireNoQuery, routes.getRoot);
  app.get("/openapi.json", requireNoQuery, routes.getOpenApi);
  app.post("/api/v1/documents/batch", requireNoQuery, requireJson, routes.postBatch);
  app.get("/api/v1/batches/:batchId", requireNoQuery, routes.getBatch);
  app.get("/api/v1/batches/:batchId/events", requireNoQuery, routes.getBatchEvents);
  app.get(
    "/api/v1/workspaces/:workspaceId/documents/:collection/:documentId",
    requireNoQuery,
    routes.getDocument,
  );
  app.get("/api/v1/workspaces/:workspaceId/documents/:collection/:documentId/history", routes.getHistory);
  app.get("/api/v1/workspaces/:workspaceId/changes", routes.getChanges);
  app.get("/api/v1/workspaces/:workspaceId/changes/events", routes.getChangeEvents);
  app.get("/api/v1/workspaces/:workspaceId/snapshot", routes.getSnapshot);
  app.get("/api/v1/workspaces/:workspaceId/operations", routes.listOperations);
  app.get("/api/v1/workspaces/:workspaceId/operations/:clientId", routes.getOperation);
  app.post("/api/v1/workspaces/:workspaceId/operations/:clientId/replay", routes.replayOperation);
  app.get("/api/v1/workspaces/:workspaceId/conflicts", routes.forwardConflicts);
  const conflict = "/api/v1/workspaces/:workspaceId/conflicts/:conflictId";
  app.get(conflict, routes.forwardConflicts);
  app.get(`${conflict}/preview`, routes.forwardConflicts);
  app.post(`${conflict}/resolve`, requireNoQuery, requireJson, routes.resolveConflict);
}

const requireJson: RequestHandler = (request, _response, next) => {
  if (!request.is(["application/json", "application/*+json"])) {
    throw new Problem("unsupported-media-type", { detail: "Send Content-Type: application/json" });
  }
  next();
};
