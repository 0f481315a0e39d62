import { Problem, requireNoQuery } from "@syncline/runtime";
import type { Express, RequestHandler } from "express";

interface Routes {
  getRoot: RequestHandler;
  getOpenApi: RequestHandler;
  postBatch: RequestHandler;
  getBatch: RequestHandler<{ batchId: string }>;
  getBatchEvents: RequestHandler<{ batchId: string }>;
  getDocument: RequestHandler<{ workspaceId: string; collection: string; documentId: string }>;
  getHistory: RequestHandler<{ workspaceId: string; collection: string; documentId: string }>;
  getChanges: RequestHandler<{ workspaceId: string }>;
  getChangeEvents: RequestHandler<{ workspaceId: string }>;
  getSnapshot: RequestHandler<{ workspaceId: string }>;
  listOperations: RequestHandler<{ workspaceId: string }>;
  getOperation: RequestHandler<{ workspaceId: string; clientId: string }>;
  replayOperation: RequestHandler<{ workspaceId: string; clientId: string }>;
  forwardConflicts: RequestHandler<{ workspaceId: string; conflictId?: string }>;
  resolveConflict: RequestHandler<{ workspaceId: string; conflictId: string }>;
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
