import type { ChangeBody } from "@syncline/shared";
import type { Watch } from "./watched-workspaces.ts";

/** A page of the feed; `next` is the `since` of the page after it. */
export interface ChangesPage {
  changes: ChangeBody[];
  next: number;
  more: boolean;
}

/** Reads a page of a workspace's feed, in `seq` order; `gone` where the feed no longer goes back so far. */
export type ReadChangesPage = (
  workspaceId: string,
  page: { since: number; limit: number; collections: string[] | undefined },
) => Promise<ChangesPage | "gone">;

/**
 * Follows a feed: one page after the other, and at its end a page whenever something newer was heard of, empty ones
 * included. Every change comes once and in order, because each page begins where Postgres said that the one before
 * ended; hints only say when to look. Ends when the signal is aborted, or where the feed no longer goes back so far.
 */
export async function* followFeed(
  readPage: (since: number) => Promise<ChangesPage | "gone">,
  options: { since: number; watch: Watch; signal: AbortSignal },
): AsyncGenerator<ChangesPage | "gone", void, void> {
  const { watch, signal } = options;
  let { since } = options;
  for (;;) {
    watch.clear();
    const page = await readPage(since);
    yield page;
    if (page === "gone") return;
    since = page.next;
    if (!page.more) await watch.newerThan(since);
    if (signal.aborted) return;
  }
}
