import type { Page } from "./follow-feed.ts";
import type { Gone } from "./gone.ts";
import type { Watch } from "./watched-workspaces.ts";

/** One of the workspaces that a reader follows. */
export interface Followed<Place, P extends Page<Place>> {
  from: Place;
  watch: Watch;
  readPage: (from: Place) => Promise<P | Gone>;
}

/**
 * Follows several workspaces, each as `followFeed` does: yields their pages one at a time, each with the workspace's
 * index, so that only one page is in memory. They take turns: a workspace with many pages, or many commits, does not keep
 * the others waiting. A workspace whose position cannot be read yields the reason and is followed no further.
 */
export async function* followFeeds<Place, P extends Page<Place>>(
  followed: readonly Followed<Place, P>[],
  signal: AbortSignal,
): AsyncGenerator<{ index: number; page: P | Gone }, void, void> {
  let waiting = followed.map((each, index) => ({ ...each, index }));
  const ready = [...waiting];
  while (waiting.length > 0) {
    const of = ready.shift() ?? (await firstWithNews(waiting));
    if (signal.aborted) return;
    of.watch.clear();
    const page = await of.readPage(of.from);
    yield { index: of.index, page };
    if (signal.aborted) return;
    waiting = waiting.filter((each) => each !== of);
    if (typeof page === "string") continue;
    of.from = page.next;
    // The last one to be read is the last one in the next turn.
    waiting.push(of);
    if (page.more) ready.push(of);
  }
}

/** Waits until a commit to one of the workspaces is reported. */
function firstWithNews<F extends { watch: Watch }>(followed: readonly F[]): Promise<F> {
  return Promise.race(followed.map((each) => each.watch.next().then(() => each)));
}
