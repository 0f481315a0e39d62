import { readQuery } from "@syncline/kit/http";
import type { ChangesBody, WorkspaceId } from "@syncline/shared/protocol";
import { wholeNumber } from "@syncline/shared/schemas";
import type { RequestHandler, Response } from "express";
import { z } from "zod";
import { followFeed, type ChangesPage } from "../core/follow-feed.ts";
import type { WatchedWorkspaces } from "../core/watched-workspaces.ts";
import { gone, type Gone } from "../core/gone.ts";
import type { PgFeed } from "../io/pg-feed.ts";
import type { OpenStreamOf } from "./open-stream.ts";
import { feedParameters, limitParameter } from "./parameters.ts";

export const changesQuerySchema = z.object({
  ...feedParameters,
  limit: limitParameter({ most: 1_000, default: 100 }),
  wait: wholeNumber({ min: 0, max: 30 })
    .default(0)
    .describe("Time that an empty page waits for a change, in seconds"),
});

interface Deps {
  feed: PgFeed;
  watched: WatchedWorkspaces;
  openStream: OpenStreamOf;
  epoch: string;
}

/**
 * `GET …/changes?since=SEQ&collections=a,b&limit=N&wait=SECONDS` returns the workspace's committed changes in `seq`
 * order. With `wait`, an empty page waits until there is a change or the time is over.
 */
export function createGetChanges(deps: Deps): RequestHandler<{ workspaceId: WorkspaceId }> {
  const { feed, watched, openStream, epoch } = deps;

  return async (request, response) => {
    const { workspaceId } = request.params;
    const { since, limit, collections, wait, epoch: knownEpoch } = readQuery(changesQuerySchema, request);
    if (knownEpoch !== undefined && knownEpoch !== epoch) {
      throw gone("epoch-changed", workspaceId);
    }
    const readPage = (from: number) => feed.readChanges(workspaceId, { since: from, limit, collections });
    const page = wait === 0 ? await readPage(since) : await waitForPage(response, wait * 1_000);
    if (typeof page === "string") throw gone(page, workspaceId);
    const body: ChangesBody = { epoch, ...page };
    response.json(body);

    async function waitForPage(response: Response, waitMs: number): Promise<ChangesPage | Gone> {
      const stream = openStream(response);
      const timer = setTimeout(() => stream.end(), waitMs);
      try {
        const watch = watched.watch(workspaceId, stream.signal);
        let latest: ChangesPage | Gone = { changes: [], next: since, more: false };
        for await (const page of followFeed(readPage, { from: since, watch, signal: stream.signal })) {
          latest = page;
          if (typeof page === "string" || page.changes.length > 0) break;
        }
        return latest;
      } finally {
        clearTimeout(timer);
        stream.end();
      }
    }
  };
}
