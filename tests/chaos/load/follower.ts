import { setTimeout as delay } from "node:timers/promises";
import type { ChangeBody, ChangesBody } from "@syncline/shared";
import { readEvents } from "./event-reader.ts";
import type { History } from "./history.ts";

/** Follows a workspace's feed as a client does: it comes back whenever it is cut off, and goes on where it was. */
export interface Follower {
  workspaceId: string;
  /** The last change that it was given. */
  seq: () => number;
  /** How often it had to come back. */
  returns: () => number;
  stop(): Promise<void>;
}

const PAUSE_MS = 300;
/** A stream that says nothing for so long, not even a heartbeat, is left. */
const QUIET_MS_MAX = 25_000;

/** @param how - by an event stream, or by requests that wait */
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
        `${workspaceId}: a follower by ${how} was given change ${change.seq} after ${seq}`,
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
    returns -= 1; // it comes again in any case
    const page = (await response.json()) as ChangesBody;
    page.changes.forEach(take);
  }

  async function follow(): Promise<void> {
    while (!leaving.signal.aborted) {
      const from = seq;
      // What breaks is met by coming back.
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
