import { Problem, type CollectionName, type DocumentId, type WorkspaceId } from "@syncline/shared/protocol";
import type { RequestHandler } from "express";
import type { PgReads } from "../io/pg-reads.ts";

interface Params {
  workspaceId: WorkspaceId;
  collection: CollectionName;
  documentId: DocumentId;
}

/** `GET …/documents/{collection}/{id}` returns the current document. Its ETag is its version. */
export function createGetDocument(reads: PgReads): RequestHandler<Params> {
  return async (request, response) => {
    const { workspaceId, collection, documentId } = request.params;
    const document = await reads.readDocument(workspaceId, collection, documentId);
    if (document === undefined) throw new Problem("not-found", { detail: "The document never existed" });
    const etag = `"${document.version}"`;
    // The client may cache the document but must revalidate it each time; the answer may then be 304.
    response.set({ etag, "cache-control": "private, no-cache" });
    if ("deleted" in document) {
      throw new Problem("not-found", { detail: `The document was deleted at version ${document.version}` });
    }
    const known = (request.get("if-none-match") ?? "")
      .split(",")
      .map((tag) => tag.trim().replace(/^W\//, ""));
    if (known.includes(etag) || known.includes("*")) {
      response.status(304).end();
      return;
    }
    response.json(document);
  };
}
