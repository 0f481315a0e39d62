import { identityOf, requireRole, type Logger } from "@syncline/runtime";
import type { RequestHandler } from "express";
import { z } from "zod";
import { followFeed, type ChangesPage } from "../core/follow-feed.ts";
import type { OpenStreams } from "../core/open-streams.ts";
import type { WatchedWorkspaces } from "../core/watched-workspaces.ts";
import { streamEvents, type EventWriter } from "../io/event-stream.ts";
import { gone } from "../core/gone.ts";
import type { PgFeed } from "../io/pg-feed.ts";
import { openStream } from "./open-stream.ts";
import { feedParameters, readQuery } from "./read-query.ts";

/** Most changes that are read at once for a stream; the next are read when the client has taken these. */
const PAGE_CHANGES_MAX = 100;

const querySchema = z.object(feedParameters);

interface Deps {
  feed: PgFeed;
  watched: WatchedWorkspaces;
  streams: OpenStreams;
  epoch: string;
  log: Logger;
}

/** `GET …/changes/events`: the feed as server-sent events, from `Last-Event-ID`, else `since`, on. */
export function createGetChangeEvents(deps: Deps): RequestHandler<{ workspaceId: string }> {
  const { feed, watched, streams, epoch, log } = deps;

  return async (request, response) => {
    const { workspaceId } = request.params;
    requireRole(identityOf(response), workspaceId, "reader");
    const lastEventId = request.get("last-event-id");
    const { since, collections, ...query } = readQuery(querySchema, {
      ...request.query,
      ...(lastEventId === undefined ? {} : { since: lastEventId }),
    });
    if (query.epoch !== undefined && query.epoch !== epoch) {
      throw gone("epoch-changed", workspaceId);
    }
    const stream = openStream(streams, response);
    try {
      const pages = followFeed(
        (from) => feed.readChanges(workspaceId, { since: from, limit: PAGE_CHANGES_MAX, collections }),
        { since, watch: watched.watch(workspaceId, stream.signal), signal: stream.signal },
      );
      // The first page tells whether there is anything to follow, while another answer can still be given.
      const { value: first } = await pages.next();
      if (first === undefined || first === "gone") throw gone("history-gone", workspaceId);
      const { expiresAtMs } = identityOf(response);
      await streamEvents(response, stream, { expiresAtMs, log }, async (events) => {
        await sendPage(events, first);
        for await (const page of pages) {
          // Overtaken by what was dropped: the client comes back, and is answered 410.
          if (page === "gone") return;
          await sendPage(events, page);
        }
      });
    } finally {
      stream.end();
    }
  };
}

async function sendPage(events: EventWriter, page: ChangesPage): Promise<void> {
  for (const change of page.changes) await events.send({ event: "change", id: change.seq, data: change });
  events.pass(page.next);
}
