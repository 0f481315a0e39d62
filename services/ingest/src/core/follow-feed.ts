import type { ChangeBody } from "@syncline/shared/protocol";
import type { Gone } from "./gone.ts";
import type { Watch } from "./watched-workspaces.ts";

/** A page of a followed sequence; the next page begins at `next`. */
export interface Page<Place> {
  next: Place;
  more: boolean;
}

/** A page of the feed; its positions are seqs. */
export interface ChangesPage extends Page<number> {
  changes: ChangeBody[];
}

/**
 * Follows a workspace: yields one page after the other, and after the last one a page for every commit notification,
 * empty pages included. Every item comes once and in order, because each page begins at the end of the previous one as
 * Postgres reported it; notifications only say when to read. Ends when the signal is aborted, or after yielding the
 * reason for which the position cannot be read.
 */
export async function* followFeed<Place, P extends Page<Place>>(
  readPage: (from: Place) => Promise<P | Gone>,
  options: { from: Place; watch: Watch; signal: AbortSignal },
): AsyncGenerator<P | Gone, void, void> {
  const { watch, signal } = options;
  let { from } = options;
  for (;;) {
    watch.clear();
    const page = await readPage(from);
    yield page;
    if (typeof page === "string") return;
    from = page.next;
    if (!page.more) await watch.next();
    if (signal.aborted) return;
  }
}
