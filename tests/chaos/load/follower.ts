import { setTimeout as delay } from "node:timers/promises";
import type { ChangeBody, ChangesBody } from "@syncline/shared/protocol";
import { readEvents } from "./event-reader.ts";
import type { History } from "./history.ts";

/** Follows a workspace's feed as a client does: reconnects after every disconnection, and resumes at its cursor. */
export interface Follower {
  workspaceId: string;
  /** The last change received. */
  seq: () => number;
  /** The number of reconnections. */
  returns: () => number;
  stop(): Promise<void>;
}

const PAUSE_MS = 300;
/** A stream without any data for this long, not even a heartbeat, is abandoned. */
const QUIET_MS_MAX = 25_000;

/** @param how - by an event stream, or by long polling */
export function startFollower(
  options: { workspaceId: string; token: string; ingestUrls: readonly string[]; how: "events" | "pages" },
  history: History,
): Follower {
  const { workspaceId, token, ingestUrls, how } = options;
  const leaving = new AbortController();
  let seq = 0;
  let lastEventId: string | undefined;
  let returns = -1;

  function take(change: ChangeBody): void {
    if (change.seq !== seq + 1) {
      history.violate(
        change.seq <= seq ? "doubled" : "lost",
        `${workspaceId}: a follower by ${how} received change ${change.seq} after ${seq}`,
      );
    }
    seq = change.seq;
  }

  const fetchFrom = (path: string, headers: Record<string, string>, signal: AbortSignal) => {
    const url = ingestUrls[++returns % ingestUrls.length] ?? "";
    return fetch(`${url}/api/v1/workspaces/${encodeURIComponent(workspaceId)}${path}`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
      signal: AbortSignal.any([leaving.signal, signal]),
    });
  };

  async function readStream(): Promise<void> {
    const quiet = new AbortController();
    const timer = setTimeout(() => quiet.abort(), QUIET_MS_MAX);
    try {
      const resume = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
      const response = await fetchFrom("/changes/events?since=0", resume, quiet.signal);
      if (!response.ok) return;
      for await (const { event, id, data } of readEvents(response)) {
        timer.refresh();
        if (event === "change") take(data as ChangeBody);
        lastEventId = id ?? lastEventId;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async function readPage(): Promise<void> {
    const response = await fetchFrom(`/changes?since=${seq}&wait=5`, {}, AbortSignal.timeout(QUIET_MS_MAX));
    if (!response.ok) {
      await response.body?.cancel();
      return;
    }
    returns -= 1; // the normal end of a page is no reconnection
    const page = (await response.json()) as ChangesBody;
    page.changes.forEach(take);
  }

  async function follow(): Promise<void> {
    while (!leaving.signal.aborted) {
      const from = seq;
      // Reconnects after any failure.
      await (how === "events" ? readStream() : readPage()).catch(() => undefined);
      if (seq === from || how === "events") await delay(PAUSE_MS);
    }
  }

  const following = follow();
  return {
    workspaceId,
    seq: () => seq,
    returns: () => returns,
    async stop() {
      leaving.abort();
      await following;
    },
  };
}
