import type { ConflictId, Seq } from "@syncline/shared/protocol";
/**
 * A reader's position in a workspace's conflict records. The records are ordered by the commit that last wrote them,
 * then by id. Without an id, every record of that commit has been read.
 */
export interface ConflictCursor {
  revision: number;
  conflictId: ConflictId | null;
}

/** A reader's position in the changes and in the conflicts. */
export interface EventCursor {
  seq: Seq;
  conflict: ConflictCursor;
}

const EVENT_ID =
  /^(?<seq>0|[1-9]\d{0,14})(?::(?<revision>0|[1-9]\d{0,14})(?::(?<conflictId>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))?)?$/;

/** Encodes a position as an event id. */
export function writeEventId({ seq, conflict: { revision, conflictId } }: EventCursor): string {
  return [seq, revision, ...(conflictId === null ? [] : [conflictId])].join(":");
}

/**
 * Decodes an event id. An id that is only a seq has no position in the conflicts. Returns `undefined` for an invalid
 * id.
 */
export function readEventId(id: string): { seq: Seq; conflict: ConflictCursor | undefined } | undefined {
  const { seq, revision, conflictId = null } = EVENT_ID.exec(id)?.groups ?? {};
  if (seq === undefined) return undefined;
  return {
    seq: Number(seq),
    conflict: revision === undefined ? undefined : { revision: Number(revision), conflictId },
  };
}
