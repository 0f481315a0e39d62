import { readQuery } from "@syncline/kit/http";
import type { Logger } from "@syncline/kit/telemetry";
import { assertInvariant, fieldProblem, type WorkspaceId } from "@syncline/shared/protocol";
import type { RequestHandler } from "express";
import { z } from "zod";
import { readEventId, writeEventId, type ConflictCursor } from "../core/event-cursor.ts";
import { followFeed } from "../core/follow-feed.ts";
import type { WatchedWorkspaces } from "../core/watched-workspaces.ts";
import { streamEvents } from "../io/event-stream.ts";
import { gone } from "../core/gone.ts";
import type { PgFeed } from "../io/pg-feed.ts";
import type { OpenStreamOf } from "./open-stream.ts";
import type { CarryDocuments } from "./carry-documents.ts";
import { feedParameters, requireDevice } from "./parameters.ts";
import { createReadEventsPage, settledAt, type EventPlace } from "./read-events-page.ts";
import { sendEventsPage } from "./send-events-page.ts";

export const changeEventsQuerySchema = z.object(feedParameters);

interface Deps {
  feed: PgFeed;
  carryDocuments: CarryDocuments;
  watched: WatchedWorkspaces;
  openStream: OpenStreamOf;
  epoch: string;
  log: Logger;
}

/**
 * `GET …/changes/events` streams the feed as server-sent events, together with conflicts as they change. It resumes
 * after `Last-Event-ID`; without one it starts at `since`, with the conflicts that change from now on.
 */
export function createGetChangeEvents(deps: Deps): RequestHandler<{ workspaceId: WorkspaceId }> {
  const { feed, watched, openStream, epoch, log } = deps;

  return async (request, response) => {
    const { workspaceId } = request.params;
    const { since, collections, device_id: deviceId, ...query } = readQuery(changeEventsQuerySchema, request);
    requireDevice({ ...query, device_id: deviceId });
    if (query.epoch !== undefined && query.epoch !== epoch) {
      throw gone("epoch-changed", workspaceId);
    }
    const resumed = readLastEventId(request.get("last-event-id"));
    const stream = openStream(response);
    try {
      const readPage = createReadEventsPage(deps, workspaceId, { collections, deviceId });
      const conflict = resumed?.conflict ?? (await lastConflictPlace(workspaceId));
      const settled = resumed?.conflict === undefined ? query.settled_since : settledAt(resumed.conflict);
      const from: EventPlace = { seq: resumed?.seq ?? since, conflict, settled };
      const watch = watched.watch(workspaceId, stream.signal);
      const pages = followFeed(readPage, { from, watch, signal: stream.signal });
      // The first page shows whether the feed can be read from there, while another answer can still be given.
      const { value: first } = await pages.next();
      assertInvariant(first !== undefined, "a feed was read without a page");
      if (typeof first === "string") throw gone(first, workspaceId);
      await streamEvents(response, stream, log, async (events) => {
        await sendEventsPage(events, first, { idOf: writeEventId });
        for await (const page of pages) {
          // The position was dropped or erased meanwhile: the client reconnects and gets a 410.
          if (typeof page === "string") return;
          await sendEventsPage(events, page, { idOf: writeEventId });
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

function readLastEventId(id: string | undefined): ReturnType<typeof readEventId> {
  if (id === undefined) return undefined;
  const cursor = readEventId(id);
  if (cursor !== undefined) return cursor;
  throw fieldProblem({ path: ["Last-Event-ID"], message: "must be the id of an event of this stream" }, null);
}
