import { readQuery } from "@syncline/kit/http";
import { Problem, type CollectionName, type DocumentId, type WorkspaceId } from "@syncline/shared/protocol";
import { wholeNumber } from "@syncline/shared/schemas";
import type { RequestHandler } from "express";
import { z } from "zod";
import type { PgFeed } from "../io/pg-feed.ts";
import type { PgReads } from "../io/pg-reads.ts";
import { limitParameter } from "./parameters.ts";

export const historyQuerySchema = z.object({
  before: wholeNumber({ min: 1 }).optional().describe("The `next` of the previous page, a version"),
  limit: limitParameter({ most: 500, default: 100 }),
});

interface Params {
  workspaceId: WorkspaceId;
  collection: CollectionName;
  documentId: DocumentId;
}

/** `GET …/documents/{collection}/{id}/history?before=VERSION&limit=N` lists a document's changes, newest first. */
export function createGetHistory(deps: { feed: PgFeed; reads: PgReads }): RequestHandler<Params> {
  return async (request, response) => {
    const { workspaceId, collection, documentId } = request.params;
    const { before, limit } = readQuery(historyQuerySchema, request);
    const body = await deps.feed.readHistory(workspaceId, { collection, documentId }, { before, limit });
    if (
      body.changes.length === 0 &&
      (await deps.reads.readDocument(workspaceId, collection, documentId)) === undefined
    ) {
      throw new Problem("not-found", { detail: "The document never existed" });
    }
    response.json(body);
  };
}
