import type { Response } from "express";

const GONE = {
  "history-gone": {
    title: "The feed no longer goes back so far",
    detail:
      "What lies before it was dropped. Start again from the snapshot, and follow the feed from its seq",
  },
  "epoch-changed": {
    title: "The history is another one",
    detail: "The database was restored, so what you know may not be so. Start again from the snapshot",
  },
} as const;

/** Answers 410 (RFC 9457) to a reader that cannot go on from where it was, and says where it can start again. */
export function answerGone(response: Response, type: keyof typeof GONE, workspaceId: string): void {
  const problem = {
    type: `urn:syncline:problem:${type}`,
    ...GONE[type],
    status: 410,
    snapshot: `/api/v1/workspaces/${encodeURIComponent(workspaceId)}/snapshot`,
  };
  response.status(410).type("application/problem+json").send(JSON.stringify(problem));
}
