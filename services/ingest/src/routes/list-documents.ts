import { readQuery } from "@syncline/kit/http";
import type { CollectionName, DocumentsBody, WorkspaceId } from "@syncline/shared/protocol";
import { idSchema } from "@syncline/shared/schemas";
import type { RequestHandler } from "express";
import { z } from "zod";
import type { PgFeed } from "../io/pg-feed.ts";
import { limitParameter } from "./parameters.ts";

const IDS_MAX = 100;

export const documentsQuerySchema = z.object({
  after: idSchema.optional().describe("The `next` of the previous page"),
  ids: z
    .string()
    .transform((list) => list.split(","))
    .pipe(z.array(idSchema).max(IDS_MAX))
    .optional()
    .describe(`A comma-separated list of up to ${IDS_MAX} document ids; by default all documents are read`),
  limit: limitParameter({ most: 1_000, default: 100 }),
});

interface Params {
  workspaceId: WorkspaceId;
  collection: CollectionName;
}

/** `GET …/documents/{collection}?after=ID&ids=a,b&limit=N` lists a collection's live documents by id. */
export function createListDocuments(feed: Pick<PgFeed, "readDocuments">): RequestHandler<Params> {
  return async (request, response) => {
    const { workspaceId, collection } = request.params;
    const { after = "", ids, limit } = readQuery(documentsQuerySchema, request);
    const from = { collection, documentId: after };
    const page = { after: from, limit, collections: [collection], ids };
    const { documents, more } = await feed.readDocuments(workspaceId, page);
    const next = more ? (documents.at(-1)?.document_id ?? null) : null;
    const body: DocumentsBody = { documents, next, more };
    response.json(body);
  };
}
