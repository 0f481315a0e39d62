import { Problem } from "@syncline/runtime";

const DETAIL = {
  "history-gone":
    "What lies before it was dropped. Start again from the snapshot, and follow the feed from its seq",
  "epoch-changed": "The database was restored, so what you know may not be so. Start again from the snapshot",
} as const;

/** Tells a reader that cannot go on from where it was, and where it can start again. */
export function gone(type: keyof typeof DETAIL, workspaceId: string): Problem {
  const snapshot = `/api/v1/workspaces/${encodeURIComponent(workspaceId)}/snapshot`;
  return new Problem(type, { detail: DETAIL[type], snapshot });
}
