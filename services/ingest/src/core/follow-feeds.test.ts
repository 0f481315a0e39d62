import { expect, it } from "vitest";
import { followFeeds } from "./follow-feeds.ts";
import type { Page } from "./follow-feed.ts";
import type { Gone } from "./gone.ts";
import { WatchedWorkspaces } from "./watched-workspaces.ts";

interface Counted extends Page<number> {
  from: number;
}

/** Follows workspaces whose changes are counted by hand; a negative count is a lost position. */
function follow(counts: Record<string, number>, pageSize = 1) {
  const stop = new AbortController();
  const watched = new WatchedWorkspaces();
  const names = Object.keys(counts);
  const followed = names.map((name) => ({
    from: 0,
    watch: watched.watch(name, stop.signal),
    readPage: (from: number): Promise<Counted | Gone> => {
      const to = counts[name] ?? 0;
      if (to < 0) return Promise.resolve("history-gone");
      const next = Math.min(to, from + pageSize);
      return Promise.resolve({ from, next, more: next < to });
    },
  }));
  const pages = followFeeds(followed, stop.signal);
  const read = async () => {
    const { value } = await pages.next();
    if (value === undefined) return undefined;
    const { index, page } = value;
    return `${names[index]}: ${typeof page === "string" ? page : `${page.from}-${page.next}`}`;
  };
  const commit = (name: string, count: number) => {
    counts[name] = count;
    watched.onCommit(name);
  };
  return { read, commit, stop };
}

async function readAll(read: () => Promise<string | undefined>, count: number) {
  const seen: (string | undefined)[] = [];
  while (seen.length < count) seen.push(await read());
  return seen;
}

it("reads every workspace from its own position, in turns", async () => {
  const { read } = follow({ a: 3, b: 2 });
  expect(await readAll(read, 5)).toEqual(["a: 0-1", "b: 0-1", "a: 1-2", "b: 1-2", "a: 2-3"]);
});

it("reads a workspace again after a commit, and lets no busy one keep the others waiting", async () => {
  const { read, commit } = follow({ a: 0, b: 0 });
  await readAll(read, 2);
  commit("a", 1);
  expect(await read()).toBe("a: 0-1");
  commit("a", 2);
  commit("b", 1);
  expect(await readAll(read, 2)).toEqual(["b: 0-1", "a: 1-2"]);
});

it("names a workspace that is lost, once, and goes on with the others", async () => {
  const { read, commit } = follow({ a: 0, b: 0 });
  await readAll(read, 2);
  commit("a", -1);
  expect(await read()).toBe("a: history-gone");
  commit("a", 1);
  commit("b", 1);
  expect(await read()).toBe("b: 0-1");
  commit("b", -1);
  expect(await readAll(read, 2)).toEqual(["b: history-gone", undefined]);
});

it("ends when its reader leaves, also while it waits", async () => {
  const { read, stop } = follow({ a: 0 });
  await read();
  const waiting = read();
  stop.abort();
  expect(await waiting).toBeUndefined();
});
