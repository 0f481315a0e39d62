/**
 * How far a reader has come through a workspace's conflict records, which stand in the order of the commits that wrote
 * them last: those of one commit by id, and without an id all of that commit.
 */
export interface ConflictCursor {
  revision: number;
  conflictId: string | null;
}

/** How far a reader of events has come: through the changes, and through the conflicts. */
export interface EventCursor {
  seq: number;
  conflict: ConflictCursor;
}

const EVENT_ID =
  /^(?<seq>0|[1-9]\d{0,14})(?::(?<revision>0|[1-9]\d{0,14})(?::(?<conflictId>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))?)?$/;

/** Writes a place as the id of an event. */
export function writeEventId({ seq, conflict: { revision, conflictId } }: EventCursor): string {
  return [seq, revision, ...(conflictId === null ? [] : [conflictId])].join(":");
}

/**
 * Reads the id of an event. One that is a seq alone says nothing of conflicts; `undefined` where it is no id of an
 * event.
 */
export function readEventId(id: string): { seq: number; conflict: ConflictCursor | undefined } | undefined {
  const { seq, revision, conflictId = null } = EVENT_ID.exec(id)?.groups ?? {};
  if (seq === undefined) return undefined;
  return {
    seq: Number(seq),
    conflict: revision === undefined ? undefined : { revision: Number(revision), conflictId },
  };
}
