import { Problem, type WorkspaceId } from "@syncline/shared/protocol";

const DETAIL = {
  "history-gone":
    "The feed no longer has the changes after this cursor. Start again from the snapshot, and follow the feed from its seq",
  "epoch-changed": "The database was restored and has another history. Start again from the snapshot",
  "cursor-ahead":
    "The feed ends before this cursor: the database was restored, or the workspace was erased. Start again from the snapshot, and follow the feed from its seq",
} as const;

/** The problem type for a reader that cannot continue from its cursor. */
export type Gone = keyof typeof DETAIL;

/** Builds the problem for a reader that cannot continue from its cursor, with the snapshot to start again from. */
export function gone(type: Gone, workspaceId: WorkspaceId): Problem {
  const snapshot = `/api/v1/workspaces/${encodeURIComponent(workspaceId)}/snapshot`;
  return new Problem(type, { detail: DETAIL[type], snapshot });
}

/** The bounds of a workspace's feed: changes after `from`, up to and including `to`. */
interface FeedEnds {
  from: number;
  to: number;
}

/**
 * Returns the reason for which a cursor cannot be read from, if any. The feed's bounds must be read together with the
 * cursor or later: a cursor is issued only once its commit can be read.
 */
export function goneAt(cursor: number, ends: FeedEnds): Gone | undefined {
  if (cursor < ends.from) return "history-gone";
  if (cursor > ends.to) return "cursor-ahead";
  return undefined;
}
