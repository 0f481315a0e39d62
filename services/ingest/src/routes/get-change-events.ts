import { readQuery } from "@syncline/kit/http";
import type { Logger } from "@syncline/kit/telemetry";
import { assertInvariant, fieldProblem, type ChangeBody, type WorkspaceId } from "@syncline/shared/protocol";
import type { RequestHandler } from "express";
import { z } from "zod";
import { readEventId, writeEventId, type ConflictCursor, type EventCursor } from "../core/event-cursor.ts";
import { followFeed, type Page } from "../core/follow-feed.ts";
import type { WatchedWorkspaces } from "../core/watched-workspaces.ts";
import { streamEvents, type EventWriter } from "../io/event-stream.ts";
import { gone, type Gone } from "../core/gone.ts";
import type { ConflictsPage, PgFeed } from "../io/pg-feed.ts";
import type { OpenStreamOf } from "./open-stream.ts";
import { feedParameters } from "./parameters.ts";

/**
 * Limit on the changes, and on the conflicts, read at once for a stream; the next ones are read when the client has
 * received these.
 */
const PAGE_EVENTS_MAX = 100;

export const changeEventsQuerySchema = z.object(feedParameters);

interface Deps {
  feed: PgFeed;
  watched: WatchedWorkspaces;
  openStream: OpenStreamOf;
  epoch: string;
  log: Logger;
}

/** Changes and conflicts read together, following `from`. */
interface EventsPage extends Page<EventCursor> {
  from: EventCursor;
  changes: ChangeBody[];
  conflicts: ConflictsPage["conflicts"];
}

/**
 * `GET …/changes/events` streams the feed as server-sent events, together with conflicts as they change. It resumes
 * after `Last-Event-ID`; without one it starts at `since`, with the conflicts that change from now on.
 */
export function createGetChangeEvents(deps: Deps): RequestHandler<{ workspaceId: WorkspaceId }> {
  const { feed, watched, openStream, epoch, log } = deps;

  return async (request, response) => {
    const { workspaceId } = request.params;
    const { since, collections, ...query } = readQuery(changeEventsQuerySchema, request);
    if (query.epoch !== undefined && query.epoch !== epoch) {
      throw gone("epoch-changed", workspaceId);
    }
    const resumed = readLastEventId(request.get("last-event-id"));
    const stream = openStream(response);
    try {
      const readPage = async (from: EventCursor): Promise<EventsPage | Gone> => {
        const page = { limit: PAGE_EVENTS_MAX, collections };
        const [changes, conflicts] = await Promise.all([
          feed.readChanges(workspaceId, { ...page, since: from.seq }),
          feed.readConflicts(workspaceId, { ...page, after: from.conflict }),
        ]);
        if (typeof changes === "string") return changes;
        if (typeof conflicts === "string") return conflicts;
        return {
          from,
          changes: changes.changes,
          conflicts: conflicts.conflicts,
          next: { seq: changes.next, conflict: conflicts.next },
          more: changes.more || conflicts.more,
        };
      };
      const from = {
        seq: resumed?.seq ?? since,
        conflict: resumed?.conflict ?? (await lastConflictPlace(workspaceId)),
      };
      const watch = watched.watch(workspaceId, stream.signal);
      const pages = followFeed(readPage, { from, watch, signal: stream.signal });
      // The first page shows whether the feed can be read from there, while another answer can still be given.
      const { value: first } = await pages.next();
      assertInvariant(first !== undefined, "a feed was read without a page");
      if (typeof first === "string") throw gone(first, workspaceId);
      await streamEvents(response, stream, log, async (events) => {
        await sendPage(events, first);
        for await (const page of pages) {
          // The position was dropped or erased meanwhile: the client reconnects and gets a 410.
          if (typeof page === "string") return;
          await sendPage(events, page);
        }
      });
    } finally {
      stream.end();
    }
  };

  async function lastConflictPlace(workspaceId: WorkspaceId): Promise<ConflictCursor> {
    const [ends] = await feed.readEnds([workspaceId]);
    return { revision: ends?.revision ?? 0, conflictId: null };
  }
}

/**
 * Sends a page. Every event's id is the client's position in both sequences after it, so that the client resumes
 * exactly there.
 */
async function sendPage(events: EventWriter, page: EventsPage): Promise<void> {
  let place = page.from;
  for (const change of page.changes) {
    place = { ...place, seq: change.seq };
    await events.send({ event: "change", id: writeEventId(place), data: change });
  }
  for (const { place: conflict, summary } of page.conflicts) {
    place = { ...place, conflict };
    await events.send({ event: "conflict", id: writeEventId(place), data: summary });
  }
  events.pass(writeEventId(page.next));
}

function readLastEventId(id: string | undefined): ReturnType<typeof readEventId> {
  if (id === undefined) return undefined;
  const place = readEventId(id);
  if (place !== undefined) return place;
  throw fieldProblem({ path: ["Last-Event-ID"], message: "must be the id of an event of this stream" }, null);
}
