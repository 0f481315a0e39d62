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
  /** Tells the device's operations in each change, and the outcomes of all that were settled. */
  deviceId?: string | undefined;
  /** The `settled_next` of the previous page. */
  settledSince?: number | undefined;
}

/** The parameters of a position. */
export function positionOf({ since, epoch, collections, deviceId, settledSince }: FeedQuery) {
  return { since, epoch, collections, device_id: deviceId, settled_since: settledSince };
}

/** Reads a page of a workspace's changes, in `seq` order. With `waitSeconds` an empty page waits for a change. */
export function readChanges(
  connection: Connection,
  workspaceId: string,
  query: FeedQuery & {
    limit?: number;
    waitSeconds?: number;
    /** Only the newest change of each document. */
    latest?: boolean;
  },
  options: RequestOptions = {},
): Promise<Answer<ChangesBody>> {
  const { waitSeconds: wait, limit, latest } = query;
  const path = pathOf(["workspaces", workspaceId, "changes"], { ...positionOf(query), limit, latest, wait });
  return request(connection, { method: "GET", path }, options, objectWith("changes"));
}
