import { identityOf, readQuery, requireRole } from "@syncline/kit/http";
import type { Logger } from "@syncline/kit/telemetry";
import { fieldProblem, type WorkspaceId } from "@syncline/shared/protocol";
import { idSchema } from "@syncline/shared/schemas";
import type { RequestHandler } from "express";
import { z } from "zod";
import type { EventCursor } from "../core/event-cursor.ts";
import { readEventsId, writeEventsId, type WorkspaceList } from "../core/events-cursor.ts";
import { followFeeds, type Followed } from "../core/follow-feeds.ts";
import { gone } from "../core/gone.ts";
import type { WatchedWorkspaces } from "../core/watched-workspaces.ts";
import { streamEvents, type EventWriter } from "../io/event-stream.ts";
import { fingerprint } from "../io/fingerprint.ts";
import type { PgFeed } from "../io/pg-feed.ts";
import type { CarryDocuments } from "./carry-documents.ts";
import type { OpenStreamOf } from "./open-stream.ts";
import { feedParameters } from "./parameters.ts";
import { createReadEventsPage, settledAt, type EventPlace, type EventsPage } from "./read-events-page.ts";
import { sendEventsPage } from "./send-events-page.ts";

/** Limit on the workspaces of a stream: each event's id has a position in each of them. */
const WORKSPACES_MAX = 20;

export const eventsQuerySchema = z.object({
  workspaces: z
    .string()
    .transform((list) => list.split(","))
    .pipe(z.array(idSchema).max(WORKSPACES_MAX, `must name at most ${WORKSPACES_MAX} workspaces`))
    .refine((ids) => new Set(ids).size === ids.length, "must name each workspace once")
    .describe(`1 to ${WORKSPACES_MAX} workspaces, comma-separated`),
  since: z
    .string()
    .regex(/^\d{1,15}(,\d{1,15})*$/, "must be a comma-separated list of whole numbers")
    .transform((list) => list.split(",").map(Number))
    .optional()
    .describe("A seq for each of `workspaces`, in their order; by default 0 for each"),
  collections: feedParameters.collections,
  epoch: feedParameters.epoch,
  device_id: feedParameters.device_id,
});

type EventsQuery = z.infer<typeof eventsQuerySchema>;

/** One of the workspaces of a stream. */
interface OfWorkspace extends Followed<EventPlace, EventsPage> {
  workspaceId: WorkspaceId;
}

interface Deps {
  feed: PgFeed;
  carryDocuments: CarryDocuments;
  watched: WatchedWorkspaces;
  openStream: OpenStreamOf;
  epoch: string;
  log: Logger;
}

/**
 * `GET /api/v1/events?workspaces=a,b` streams the events of several workspaces, each as its own stream would, with its
 * `workspace_id`. The id of an event holds the positions in all of them. A workspace that cannot be read from its position
 * is announced by an event `lost`, and the others continue. In the shares of streams it counts as that many.
 */
export function createGetEvents(deps: Deps): RequestHandler {
  const { watched, openStream, epoch, log } = deps;

  return async (request, response) => {
    const query = readQuery(eventsQuerySchema, request);
    const { workspaces } = query;
    for (const workspaceId of workspaces) requireRole(identityOf(response), workspaceId, "reader");
    if (query.epoch !== undefined && query.epoch !== epoch) throw gone("epoch-changed", workspaces[0] ?? "");
    const list = { digest: fingerprint([workspaces]).slice(0, 12), count: workspaces.length };
    const places = await readPlaces(deps.feed, query, readResumed(list, request.get("last-event-id")));
    const stream = openStream(response, workspaces.length);
    try {
      const followed = places.map(({ workspaceId, ...place }) => ({
        workspaceId,
        from: place,
        watch: watched.watch(workspaceId, stream.signal),
        readPage: createReadEventsPage(deps, workspaceId, {
          collections: query.collections,
          deviceId: query.device_id,
        }),
      }));
      await streamEvents(response, stream, log, (events) =>
        sendPages(events, { list, followed, signal: stream.signal }),
      );
    } finally {
      stream.end();
    }
  };
}

async function sendPages(
  events: EventWriter,
  stream: { list: WorkspaceList; followed: OfWorkspace[]; signal: AbortSignal },
): Promise<void> {
  const { list, followed, signal } = stream;
  const cursors: EventCursor[] = followed.map(({ from }) => from);
  for await (const { index, page } of followFeeds(followed, signal)) {
    const workspaceId = followed[index]?.workspaceId ?? "";
    const fields = { workspace_id: workspaceId };
    if (typeof page === "string") {
      await events.send({ event: "lost", data: { ...fields, ...gone(page, workspaceId).toJSON() } });
      continue;
    }
    const idOf = (cursor: EventCursor) => {
      cursors[index] = cursor;
      return writeEventsId(list, cursors);
    };
    await sendEventsPage(events, page, { idOf, fields });
  }
}

function readResumed(list: WorkspaceList, id: string | undefined): ReturnType<typeof readEventsId> {
  if (id === undefined) return undefined;
  const cursors = readEventsId(list, id);
  if (cursors !== undefined) return cursors;
  throw fieldProblem(
    { path: ["Last-Event-ID"], message: "must be the id of an event of a stream of the same workspaces" },
    null,
  );
}

/** Returns the position in each workspace. A new stream starts with the conflicts that change from now on. */
async function readPlaces(
  feed: Pick<PgFeed, "readEnds">,
  { workspaces, since }: EventsQuery,
  resumed: ReturnType<typeof readEventsId>,
): Promise<(EventPlace & { workspaceId: WorkspaceId })[]> {
  if (since !== undefined && since.length !== workspaces.length) {
    throw fieldProblem({ path: ["since"], message: "must have one seq for each of workspaces" }, null);
  }
  const ends = await feed.readEnds(workspaces);
  const revisionById = new Map(ends.map(({ workspaceId, revision }) => [workspaceId, revision]));
  return workspaces.map((workspaceId, index) => {
    const known = resumed?.[index];
    const conflict = known?.conflict ?? { revision: revisionById.get(workspaceId) ?? 0, conflictId: null };
    const settled = known?.conflict === undefined ? undefined : settledAt(known.conflict);
    return { workspaceId, seq: known?.seq ?? since?.[index] ?? 0, conflict, settled };
  });
}
