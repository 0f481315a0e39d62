import { request, type Connection } from "./http-client.ts";
import type { JsonObject } from "./json.ts";

/** One committed change, as the feed shows it. */
export interface FeedChange {
  readonly seq: number;
  readonly document_id: string;
  readonly version: number;
  readonly deleted: boolean;
  readonly data: JsonObject | null;
  readonly device_id: string;
}

const CHANGES_PER_PAGE = 500;

/** Reads every change of the collection after `since`, page by page, in the order of the feed. */
export async function readFeed(
  connection: Connection,
  collection: string,
  since: number,
): Promise<FeedChange[]> {
  const changes: FeedChange[] = [];
  for (let next = since; ;) {
    const query = new URLSearchParams({
      since: String(next),
      collections: collection,
      limit: String(CHANGES_PER_PAGE),
    });
    const { body } = await request(
      connection,
      `/api/v1/workspaces/${connection.workspaceId}/changes?${query.toString()}`,
    );
    if (!Array.isArray(body["changes"]) || typeof body["next"] !== "number") {
      throw new Error("A page of the feed came without changes or without its next cursor");
    }
    changes.push(...(body["changes"] as unknown as FeedChange[]));
    if (body["more"] !== true) return changes;
    if (body["next"] <= next) throw new Error(`The feed has more changes, but its cursor stays at ${next}`);
    next = body["next"];
  }
}

/** Reads the current document; undefined if it is deleted or never existed. */
export async function readDocument(
  connection: Connection,
  collection: string,
  documentId: string,
): Promise<{ version: number; data: JsonObject } | undefined> {
  const path = [connection.workspaceId, "documents", collection, documentId]
    .map(encodeURIComponent)
    .join("/");
  const answer = await request(connection, `/api/v1/workspaces/${path}`, { expected: [404, 410] });
  return answer.status === 200
    ? (answer.body as unknown as { version: number; data: JsonObject })
    : undefined;
}
