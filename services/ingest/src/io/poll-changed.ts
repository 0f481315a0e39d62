import type { WatchedWorkspaces } from "../core/watched-workspaces.ts";
import type { PgFeed } from "./pg-feed.ts";

/** Looks up how far the workspaces have come that somebody follows: word of a commit may have got lost. */
export function createPollChanged(deps: { watched: WatchedWorkspaces; feed: PgFeed }): () => Promise<void> {
  return async () => {
    for (const { workspaceId, seq } of await deps.feed.readEnds(deps.watched.list())) {
      deps.watched.onChanged(workspaceId, seq);
    }
  };
}
