import { Problem } from "@syncline/runtime";

const DETAIL = {
  "history-gone":
    "What lies before it was dropped. Start again from the snapshot, and follow the feed from its seq",
  "epoch-changed": "The database was restored, so what you know may not be so. Start again from the snapshot",
  "cursor-ahead":
    "The feed ends before it: the database was restored, or the workspace was erased. Start again from the snapshot, and follow the feed from its seq",
} as const;

/** Why a reader cannot go on from its cursor, as the problem that it is answered with. */
export type Gone = keyof typeof DETAIL;

/** Tells a reader that cannot go on from where it was, and where it can start again. */
export function gone(type: Gone, workspaceId: string): Problem {
  const snapshot = `/api/v1/workspaces/${encodeURIComponent(workspaceId)}/snapshot`;
  return new Problem(type, { detail: DETAIL[type], snapshot });
}

/** A workspace's feed holds the changes after `from`, up to `to`. */
interface FeedEnds {
  from: number;
  to: number;
}

/**
 * Says why nothing can be read after a cursor. Compare it with ends that were read after the cursor was given, or with it:
 * a cursor is given only once its commit can be read.
 */
export function goneAt(cursor: number, ends: FeedEnds): Gone | undefined {
  if (cursor < ends.from) return "history-gone";
  if (cursor > ends.to) return "cursor-ahead";
  return undefined;
}
