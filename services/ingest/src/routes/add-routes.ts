import { Problem } from "@syncline/runtime";
import { BATCH_BYTES_MAX } from "@syncline/shared";
import express, { type Express, type RequestHandler } from "express";

interface Routes {
  postBatch: RequestHandler;
  getBatch: RequestHandler<{ batchId: string }>;
  getDocument: RequestHandler<{ workspaceId: string; collection: string; documentId: string }>;
  getChanges: RequestHandler<{ workspaceId: string }>;
  forwardConflicts: RequestHandler<{ workspaceId: string }>;
}

/** The API that clients know. */
export function addRoutes(app: Express, routes: Routes): void {
  const readBody = express.raw({ type: () => true, limit: BATCH_BYTES_MAX });
  app.post("/api/v1/documents/batch", requireJson, readBody, routes.postBatch);
  app.get("/api/v1/batches/:batchId", routes.getBatch);
  app.get("/api/v1/workspaces/:workspaceId/documents/:collection/:documentId", routes.getDocument);
  app.get("/api/v1/workspaces/:workspaceId/changes", routes.getChanges);
  app.get("/api/v1/workspaces/:workspaceId/conflicts", routes.forwardConflicts);
  app.get("/api/v1/workspaces/:workspaceId/conflicts/:conflictId", routes.forwardConflicts);
}

const requireJson: RequestHandler = (request, _response, next) => {
  if (!request.is(["application/json", "application/*+json"])) {
    throw new Problem("unsupported-media-type", { detail: "Send Content-Type: application/json" });
  }
  next();
};
