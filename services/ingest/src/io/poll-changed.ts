import { inWorkspaces } from "@syncline/store";
import type { WatchedWorkspaces } from "../core/watched-workspaces.ts";
import type { PgFeed } from "./pg-feed.ts";

/** Polls for commits to the watched workspaces, because a notification may get lost. */
export function createPollChanged(deps: { watched: WatchedWorkspaces; feed: PgFeed }): () => Promise<void> {
  let revisionByWorkspaceId: ReadonlyMap<string, number> = new Map();
  return async () => {
    const workspaceIds = deps.watched.list();
    const ends = await inWorkspaces(workspaceIds, () => deps.feed.readEnds(workspaceIds));
    for (const { workspaceId, revision } of ends) {
      if (revision !== revisionByWorkspaceId.get(workspaceId)) deps.watched.onCommit(workspaceId);
    }
    revisionByWorkspaceId = new Map(ends.map(({ workspaceId, revision }) => [workspaceId, revision]));
  };
}
