import { readEventId, writeEventId, type EventCursor } from "./event-cursor.ts";

type ReadCursor = NonNullable<ReturnType<typeof readEventId>>;

/** A list of workspaces that one stream follows. */
export interface WorkspaceList {
  /** A digest of the list, so that positions are not taken for those of another list. It has no comma. */
  digest: string;
  count: number;
}

/** Encodes the positions in several workspaces, in the order of their list, as an event id. */
export function writeEventsId({ digest }: WorkspaceList, cursors: readonly EventCursor[]): string {
  return [digest, ...cursors.map(writeEventId)].join(",");
}

/** Decodes an id of {@link writeEventsId}. Returns `undefined` for an invalid id, or one of another list. */
export function readEventsId(list: WorkspaceList, id: string): ReadCursor[] | undefined {
  const [digest, ...parts] = id.split(",");
  if (digest !== list.digest || parts.length !== list.count) return undefined;
  const cursors = parts.map(readEventId);
  return cursors.every((cursor) => cursor !== undefined) ? cursors : undefined;
}
