import type { ChangeBody, DeviceId, OperationResult, WorkspaceId } from "@syncline/shared/protocol";
import type { ConflictCursor, EventCursor } from "../core/event-cursor.ts";
import type { Page } from "../core/follow-feed.ts";
import type { Gone } from "../core/gone.ts";
import type { ConflictsPage, PgFeed } from "../io/pg-feed.ts";
import type { CarryDocuments } from "./carry-documents.ts";

/**
 * Limit on the changes, on the conflicts and on the outcomes read at once for a stream; the next ones are read when the
 * client has received these.
 */
const PAGE_EVENTS_MAX = 100;

/** A reader's position in a stream, with the revision up to which it has the outcomes of its device. */
export interface EventPlace extends EventCursor {
  /** `undefined`: behind the commit that wrote `seq`. */
  settled: number | undefined;
}

/** Events read together, following `from`. */
export interface EventsPage extends Page<EventPlace> {
  from: EventPlace;
  changes: ChangeBody[];
  conflicts: ConflictsPage["conflicts"];
  /** The outcomes up to `next`, in parts; empty if the reader names no device. */
  settled: AsyncIterable<OperationResult[]>;
}

/** Reads a workspace's events for one stream. */
export type ReadEventsPage = (from: EventPlace) => Promise<EventsPage | Gone>;

export function createReadEventsPage(
  deps: { feed: PgFeed; carryDocuments: CarryDocuments },
  workspaceId: WorkspaceId,
  query: { collections: string[] | undefined; deviceId: DeviceId | undefined },
): ReadEventsPage {
  const { feed, carryDocuments } = deps;
  const { deviceId } = query;
  const limit = PAGE_EVENTS_MAX;

  return async (from) => {
    const changes = await feed.readChanges(workspaceId, { ...query, limit, since: from.seq });
    if (typeof changes === "string") return changes;
    const conflicts = await feed.readConflicts(workspaceId, { ...query, limit, after: from.conflict });
    if (typeof conflicts === "string") return conflicts;
    const to = settledAt(conflicts.next);
    const settled = deviceId === undefined ? NOTHING : await readSettled(from, { deviceId, to });
    if (typeof settled === "string") return settled;
    return {
      from,
      changes: changes.changes,
      conflicts: conflicts.conflicts,
      settled,
      next: { seq: changes.next, conflict: conflicts.next, settled: to },
      more: changes.more || conflicts.more,
    };
  };

  /** Reads the first part, which shows if the position can be read from, and returns all parts. */
  async function readSettled(
    from: EventPlace,
    { deviceId, to }: { deviceId: DeviceId; to: number },
  ): Promise<AsyncIterable<OperationResult[]> | Gone> {
    const readPart = (after: number | undefined) =>
      feed.readSettled(workspaceId, { deviceId, after, since: from.seq, limit, to });
    const first = await readPart(from.settled);
    if (typeof first === "string") return first;
    return parts(first);

    async function* parts(part: Exclude<Awaited<ReturnType<typeof readPart>>, string>) {
      for (;;) {
        yield await carryDocuments({ workspaceId, deviceId }, part.settled, { minimal: false });
        if (!part.more) return;
        const next = await readPart(part.next);
        // Erased meanwhile: the client is told when it reconnects.
        if (typeof next === "string") throw new Error(`the outcomes can no longer be read: ${next}`);
        part = next;
      }
    }
  }
}

const NOTHING: AsyncIterable<OperationResult[]> = {
  async *[Symbol.asyncIterator]() {},
};

/** The revision up to which a reader at this position has every outcome: those of a commit precede its conflicts. */
export function settledAt({ revision, conflictId }: ConflictCursor): number {
  return conflictId === null ? revision : revision - 1;
}
