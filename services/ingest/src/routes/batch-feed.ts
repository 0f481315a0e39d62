import type { Logger } from "@syncline/kit/telemetry";
import { fieldProblem, type BatchFeed, type BatchHead } from "@syncline/shared/protocol";
import type { z } from "zod";
import { gone } from "../core/gone.ts";
import { changesQuerySchema } from "./get-changes.ts";
import { requireDevice } from "./parameters.ts";
import { changesBodyOf, type ReadFeedPage } from "./read-feed-page.ts";

/** The parameters of a batch: those of the feed, for the page that its answer carries. The device is the batch's. */
export const batchQuerySchema = changesQuerySchema.omit({ wait: true, device_id: true }).extend({
  since: changesQuerySchema.shape.since
    .unwrap()
    .optional()
    .describe("The `next` of the previous page of the feed: the answer carries the next one"),
});

export type BatchQuery = z.infer<typeof batchQuerySchema>;

/** Reads the page of the feed that an answer carries. Call it after the commit, so that the page holds the batch's own changes. */
export type ReadBatchFeed = () => Promise<BatchFeed>;

/** Returns the read of a batch's page, `undefined` if the batch asks for none. */
export type BatchFeedOf = (query: BatchQuery, batch: BatchHead) => ReadBatchFeed | undefined;

/** Checks a batch's parameters before its body is read. */
export function requireSince(query: BatchQuery): void {
  const { since, latest, limit: _, ...others } = query;
  if (since !== undefined) return;
  const named = Object.entries(others).find(([, value]) => value !== undefined)?.[0];
  const alone = latest === "true" ? "latest" : named;
  if (alone !== undefined) throw fieldProblem({ path: [alone], message: "needs since" }, null);
}

export function createBatchFeedOf(deps: {
  readFeedPage: ReadFeedPage;
  epoch: string;
  log: Logger;
}): BatchFeedOf {
  const { readFeedPage, epoch, log } = deps;

  return (query, { workspaceId, deviceId: source, deviceDeclared }) => {
    const { since, settled_since: settledSince, limit, collections } = query;
    if (since === undefined) return undefined;
    const deviceId = deviceDeclared ? source : undefined;
    requireDevice({ settled_since: settledSince, device_id: deviceId });
    const wanted = { limit, collections, deviceId, latest: query.latest === "true" };
    return async () => {
      if (query.epoch !== undefined && query.epoch !== epoch) {
        return { feed_problem: gone("epoch-changed", workspaceId).toJSON() };
      }
      try {
        const page = await readFeedPage(workspaceId, { since, settledSince }, wanted);
        return typeof page === "string"
          ? { feed_problem: gone(page, workspaceId).toJSON() }
          : { feed: changesBodyOf(page, epoch) };
      } catch (error) {
        // A failure must not withhold a committed result: the client asks the feed.
        log.warn(
          { err: error, workspaceId },
          "reading the feed for an answer failed; the client asks for it",
        );
        return {};
      }
    };
  };
}
