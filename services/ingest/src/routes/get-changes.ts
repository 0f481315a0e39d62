import { readQuery } from "@syncline/kit/http";
import { assertInvariant, type WorkspaceId } from "@syncline/shared/protocol";
import { wholeNumber } from "@syncline/shared/schemas";
import type { RequestHandler } from "express";
import { z } from "zod";
import { followFeed } from "../core/follow-feed.ts";
import type { WatchedWorkspaces } from "../core/watched-workspaces.ts";
import { gone, type Gone } from "../core/gone.ts";
import type { OpenStreamOf } from "./open-stream.ts";
import { feedParameters, limitParameter, requireDevice } from "./parameters.ts";
import { changesBodyOf, type FeedPage, type FeedPlace, type ReadFeedPage } from "./read-feed-page.ts";

export const changesQuerySchema = z.object({
  ...feedParameters,
  limit: limitParameter({ most: 1_000, default: 100 }),
  latest: z
    .enum(["true", "false"])
    .default("false")
    .describe("`true`: of each document only its newest change, deletions included"),
  wait: wholeNumber({ min: 0, max: 30 })
    .default(0)
    .describe("Time that an empty page waits for a change, in seconds"),
});

interface Deps {
  readFeedPage: ReadFeedPage;
  watched: WatchedWorkspaces;
  openStream: OpenStreamOf;
  epoch: string;
}

/**
 * `GET …/changes?since=SEQ&collections=a,b&limit=N&wait=SECONDS` returns the workspace's committed changes in `seq`
 * order. With `wait`, an empty page waits until there is a change, or an outcome of the reader's device, or the time is
 * over.
 */
export function createGetChanges(deps: Deps): RequestHandler<{ workspaceId: WorkspaceId }> {
  const { readFeedPage, watched, openStream, epoch } = deps;

  return async (request, response) => {
    const { workspaceId } = request.params;
    const query = readQuery(changesQuerySchema, request);
    requireDevice(query);
    if (query.epoch !== undefined && query.epoch !== epoch) throw gone("epoch-changed", workspaceId);
    const { limit, collections, device_id: deviceId, wait } = query;
    const latest = query.latest === "true";
    const from = { since: query.since, settledSince: query.settled_since };
    const readPage = (place: FeedPlace) =>
      readFeedPage(workspaceId, place, { limit, collections, deviceId, latest });
    const page = await (wait === 0 ? readPage(from) : waitForPage());
    if (typeof page === "string") throw gone(page, workspaceId);
    response.json(changesBodyOf(page, epoch));

    async function waitForPage(): Promise<FeedPage | Gone> {
      const stream = openStream(response);
      const timer = setTimeout(() => stream.end(), wait * 1_000);
      try {
        const { signal } = stream;
        const watch = watched.watch(workspaceId, signal);
        const pages = followFeed(readPage, { from, watch, signal });
        let latest: FeedPage | Gone | undefined;
        for await (const page of pages) {
          latest = page;
          if (typeof page === "string" || page.changes.length > 0 || (page.settled?.length ?? 0) > 0) break;
        }
        assertInvariant(latest !== undefined, "a feed was read without a page");
        return latest;
      } finally {
        clearTimeout(timer);
        stream.end();
      }
    }
  };
}
