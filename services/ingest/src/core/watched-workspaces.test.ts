import { describe, expect, it } from "vitest";
import { OpenStreams, type OpenStream } from "./open-streams.ts";
import { Shares, type Refusal } from "./shares.ts";
import { WatchedWorkspaces } from "./watched-workspaces.ts";

/** Reports whether a promise has settled once all due callbacks have run. */
async function isOver(promise: Promise<unknown>): Promise<boolean> {
  let over = false;
  void promise.then(() => (over = true));
  await new Promise((resolve) => setImmediate(resolve));
  return over;
}

describe("a watch", () => {
  it("waits for a commit to its own workspace", async () => {
    const watched = new WatchedWorkspaces();
    const wait = watched.watch("w", new AbortController().signal).next();
    watched.onCommit("other");
    expect(await isOver(wait)).toBe(false);
    watched.onCommit("w");
    expect(await isOver(wait)).toBe(true);
  });

  it("does not miss a commit between a read and the wait", async () => {
    const watched = new WatchedWorkspaces();
    const watch = watched.watch("w", new AbortController().signal);
    watch.clear();
    watched.onCommit("w");
    expect(await isOver(watch.next())).toBe(true);
  });

  it("uses its notifications for one read only", async () => {
    const watched = new WatchedWorkspaces();
    const watch = watched.watch("w", new AbortController().signal);
    watched.onCommit("w");
    watched.onCommit("w");
    expect(await isOver(watch.next())).toBe(true);
    watch.clear();
    expect(await isOver(watch.next())).toBe(false);
  });

  it("waits no longer than its timeout", async () => {
    await new WatchedWorkspaces().watch("w", new AbortController().signal).next(1);
  });

  it("ends with its signal, and is forgotten", async () => {
    const watched = new WatchedWorkspaces();
    const controller = new AbortController();
    const wait = watched.watch("w", controller.signal).next();
    watched.watch("w", new AbortController().signal);
    expect(watched.list()).toEqual(["w"]);
    controller.abort();
    expect(await isOver(wait)).toBe(true);
    expect(watched.list()).toEqual(["w"]);

    const alone = new WatchedWorkspaces();
    const other = new AbortController();
    alone.watch("w", other.signal);
    other.abort();
    expect(alone.list()).toEqual([]);
    expect(await isOver(alone.watch("w", other.signal).next())).toBe(true);
    expect(alone.list()).toEqual([]);
  });
});

describe("the open streams", () => {
  const CLIENT = { subject: "alice", address: "192.0.2.1" };
  const createStreams = (most: number, subject = 1) =>
    new OpenStreams(new Shares({ most, shares: { subject, address: 1 } }));
  const opened = (stream: OpenStream | Refusal) => {
    if (typeof stream === "string") throw new Error(`refused: ${stream}`);
    return stream;
  };

  it("are limited in number, and an ended one makes room once", () => {
    const streams = createStreams(2);
    const first = opened(streams.open(CLIENT));
    opened(streams.open(CLIENT));
    expect(streams.open(CLIENT)).toBe("all");
    first.end();
    first.end();
    opened(streams.open(CLIENT));
    expect(streams.open(CLIENT)).toBe("all");
    expect(streams.size).toBe(2);
  });

  it("leave slots to other subjects", () => {
    const streams = createStreams(4, 0.5);
    const mine = [streams.open(CLIENT), streams.open(CLIENT)].map(opened);
    expect(streams.open(CLIENT)).toBe("subject");
    opened(streams.open({ ...CLIENT, subject: "bob" }));
    mine[0]?.end();
    expect(streams.open(CLIENT)).toBe("subject");
    mine[1]?.end();
    opened(streams.open(CLIENT));
  });

  it("all end when the process stops, and no new one begins", () => {
    const streams = createStreams(2);
    const stream = opened(streams.open(CLIENT));
    streams.close();
    expect(stream.signal.aborted).toBe(true);
    expect(streams.open(CLIENT)).toBe("all");
  });
});
