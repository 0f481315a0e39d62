import { describe, expect, it } from "vitest";
import { OpenStreams } from "./open-streams.ts";
import { WatchedWorkspaces } from "./watched-workspaces.ts";

/** Tells whether a promise has settled once all that is due has run. */
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

  it("does not miss what is heard between a look and the wait", async () => {
    const watched = new WatchedWorkspaces();
    const watch = watched.watch("w", new AbortController().signal);
    watch.clear();
    watched.onCommit("w");
    expect(await isOver(watch.next())).toBe(true);
  });

  it("takes what it heard for one look, not for more", async () => {
    const watched = new WatchedWorkspaces();
    const watch = watched.watch("w", new AbortController().signal);
    watched.onCommit("w");
    watched.onCommit("w");
    expect(await isOver(watch.next())).toBe(true);
    watch.clear();
    expect(await isOver(watch.next())).toBe(false);
  });

  it("waits no longer than it is told to", async () => {
    await new WatchedWorkspaces().watch("w", new AbortController().signal).next(1);
  });

  it("is over, and forgotten, with its signal", async () => {
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
  it("are so many at most, and an ended one makes room, once", () => {
    const streams = new OpenStreams(2);
    const first = streams.open();
    expect(streams.open()).toBeDefined();
    expect(streams.open()).toBeUndefined();
    first?.end();
    first?.end();
    expect(streams.open()).toBeDefined();
    expect(streams.open()).toBeUndefined();
  });

  it("all end when the process stops, and no new one begins", () => {
    const streams = new OpenStreams(2);
    const stream = streams.open();
    streams.close();
    expect(stream?.signal.aborted).toBe(true);
    expect(streams.open()).toBeUndefined();
  });
});
