import type {
  ChangeBody,
  ChangesBody,
  DeviceId,
  OperationResult,
  WorkspaceId,
} from "@syncline/shared/protocol";
import type { Page } from "../core/follow-feed.ts";
import type { Gone } from "../core/gone.ts";
import type { PgFeed } from "../io/pg-feed.ts";
import type { CarryDocuments } from "./carry-documents.ts";

/** Limit on the outcomes in a page. The last commit's are complete, so there may be more. */
const SETTLED_MAX = 1_000;

/** A reader's position: in the changes, and in the outcomes of its device. */
export interface FeedPlace {
  since: number;
  /** `undefined`: behind the commit that wrote `since`. */
  settledSince: number | undefined;
}

/** The part of the feed that a reader wants. */
export interface FeedQuery {
  limit: number;
  collections: string[] | undefined;
  deviceId: DeviceId | undefined;
  /** Reads only the newest change of each document. */
  latest: boolean;
}

/** A page of the feed, with the outcomes of a device. */
export interface FeedPage extends Page<FeedPlace> {
  changes: ChangeBody[];
  /** `undefined` if the reader names no device. */
  settled: OperationResult[] | undefined;
}

/**
 * Reads a page of changes, and then the outcomes of the reader's device: a device that has read a page knows every
 * operation of its own that was settled by the page's changes or before.
 */
export type ReadFeedPage = (
  workspaceId: WorkspaceId,
  from: FeedPlace,
  query: FeedQuery,
) => Promise<FeedPage | Gone>;

export function createReadFeedPage(deps: { feed: PgFeed; carryDocuments: CarryDocuments }): ReadFeedPage {
  const { feed, carryDocuments } = deps;

  return async (workspaceId, { since, settledSince }, query) => {
    const page = await feed.readChanges(workspaceId, { ...query, since });
    if (typeof page === "string") return page;
    const { changes, next, more } = page;
    const { deviceId } = query;
    if (deviceId === undefined) {
      return { changes, settled: undefined, next: { since: next, settledSince: undefined }, more };
    }
    const read = { deviceId, after: settledSince, since, limit: SETTLED_MAX };
    const outcomes = await feed.readSettled(workspaceId, read);
    if (typeof outcomes === "string") return outcomes;
    return {
      changes,
      settled: await carryDocuments({ workspaceId, deviceId }, outcomes.settled, { minimal: false }),
      next: { since: next, settledSince: outcomes.next },
      more: more || outcomes.more,
    };
  };
}

/** The page as it is answered. */
export function changesBodyOf({ changes, settled, next, more }: FeedPage, epoch: string): ChangesBody {
  const body = { epoch, changes, next: next.since, more };
  if (settled === undefined || next.settledSince === undefined) return body;
  return { ...body, settled, settled_next: next.settledSince };
}
