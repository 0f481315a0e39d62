import type { ChangesBody } from "@syncline/shared/protocol";
import type { Answer } from "./answer.ts";
import type { Connection, RequestOptions } from "./connection.ts";
import { objectWith, pathOf, request } from "./send-request.ts";

/** A position in a workspace's feed. */
export interface FeedQuery {
  /** The `next` of the previous page, or the `seq` of a snapshot. */
  since: number;
  /** The epoch of `since`. */
  epoch?: string | undefined;
  /** All collections by default. */
  collections?: readonly string[] | undefined;
}

/** Reads a page of a workspace's changes, in `seq` order. With `waitSeconds` an empty page waits for a change. */
export function readChanges(
  connection: Connection,
  workspaceId: string,
  query: FeedQuery & { limit?: number; waitSeconds?: number },
  options: RequestOptions = {},
): Promise<Answer<ChangesBody>> {
  const { waitSeconds, since, epoch, collections, limit } = query;
  const path = pathOf(["workspaces", workspaceId, "changes"], {
    since,
    epoch,
    collections,
    limit,
    wait: waitSeconds,
  });
  return request(connection, { method: "GET", path }, options, objectWith("changes"));
}
