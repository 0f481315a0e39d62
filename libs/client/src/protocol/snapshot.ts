import type { DocumentBody, SnapshotHead, SnapshotTail } from "@syncline/shared/protocol";
import type { Answer } from "./answer.ts";
import type { Connection, RequestOptions } from "./connection.ts";
import { parseObject, pathOf, request } from "./send-request.ts";
import type { SnapshotPage } from "./wire.ts";

/** Reads a page of a workspace's live documents. A page that breaks off is `unreachable`: read it again. */
export async function readSnapshot(
  connection: Connection,
  workspaceId: string,
  query: {
    after?: string | undefined;
    limit?: number;
    /** All collections by default; the same ones on each page. */
    collections?: readonly string[];
  } = {},
  options: RequestOptions = {},
): Promise<Answer<SnapshotPage>> {
  const path = pathOf(["workspaces", workspaceId, "snapshot"], query);
  return request(connection, { method: "GET", path }, options, readPage);
}

/** Reads the lines of a page: its head, documents, and its tail, without which the page is incomplete. */
function readPage(text: string): SnapshotPage | "broken" | undefined {
  const lines = text.split("\n");
  const head = parseObject(lines[0] ?? "") as SnapshotHead | undefined;
  if (head === undefined || !("epoch" in head)) return text === "" ? "broken" : undefined;
  const rest = lines.slice(1).filter((line) => line !== "");
  const tail = parseObject(rest.pop() ?? "") as SnapshotTail | undefined;
  if (tail === undefined || !("next" in tail)) return "broken";
  const documents = rest.map((line) => JSON.parse(line) as DocumentBody);
  return { ...head, documents, ...tail, seq: head.seq };
}
