import type { ChangeBody } from "@syncline/shared";
import type { Gone } from "./gone.ts";
import type { Watch } from "./watched-workspaces.ts";

/** A page of something that is followed; the page after it begins at `next`. */
export interface Page<Place> {
  next: Place;
  more: boolean;
}

/** A page of the feed; its places are seqs. */
export interface ChangesPage extends Page<number> {
  changes: ChangeBody[];
}

/**
 * Follows a workspace: one page after the other, and at the end a page whenever a commit was heard of, empty ones
 * included. Everything comes once and in order, because each page begins where Postgres said that the one before ended;
 * hints only say when to look. Ends when the signal is aborted, or with why nothing can be read from there.
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
