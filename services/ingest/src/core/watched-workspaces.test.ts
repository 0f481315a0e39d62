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
  it("waits for something newer than what is known, in its own workspace", async () => {
    const watched = new WatchedWorkspaces();
    const watch = watched.watch("w", new AbortController().signal);
    const wait = watch.newerThan(5);
    watched.onChanged("other", 9);
    watched.onChanged("w", 5);
    expect(await isOver(wait)).toBe(false);
    watched.onChanged("w", 6);
    expect(await isOver(wait)).toBe(true);
  });

  it("does not miss what is heard between a look and the wait", async () => {
    const watched = new WatchedWorkspaces();
    const watch = watched.watch("w", new AbortController().signal);
    watch.clear();
    watched.onChanged("w", 6);
    expect(await isOver(watch.newerThan(5))).toBe(true);
  });

  it("takes one hint for one look: a wrong one is not followed for ever", async () => {
    const watched = new WatchedWorkspaces();
    const watch = watched.watch("w", new AbortController().signal);
    watched.onChanged("w", 1_000_000);
    expect(await isOver(watch.newerThan(5))).toBe(true);
    watch.clear();
    expect(await isOver(watch.newerThan(5))).toBe(false);
  });

  it("is over, and forgotten, with its signal", async () => {
    const watched = new WatchedWorkspaces();
    const controller = new AbortController();
    const wait = watched.watch("w", controller.signal).newerThan(5);
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
    expect(await isOver(alone.watch("w", other.signal).newerThan(5))).toBe(true);
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
