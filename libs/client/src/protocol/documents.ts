import type { DocumentBody } from "@syncline/shared/protocol";
import type { Answer } from "./answer.ts";
import type { Connection, RequestOptions } from "./connection.ts";
import { objectWith, pathOf, request } from "./send-request.ts";

/** Reads a document. A missing or deleted one is the problem `not-found`. */
export function readDocument(
  connection: Connection,
  workspaceId: string,
  { collection, documentId }: { collection: string; documentId: string },
  options: RequestOptions = {},
): Promise<Answer<DocumentBody>> {
  const path = pathOf(["workspaces", workspaceId, "documents", collection, documentId]);
  return request(connection, { method: "GET", path }, options, objectWith("version"));
}
