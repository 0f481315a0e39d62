import type { Service } from "@syncline/kit/process";
import { subscribeReplies, type OpenRedis } from "@syncline/lanes";
import { v7 as uuidv7 } from "uuid";
import { WaitingBatches } from "../core/waiting-batches.ts";
import { WatchedWorkspaces } from "../core/watched-workspaces.ts";
import { createPollChanged } from "../io/poll-changed.ts";
import { createPollWaiting } from "../io/poll-waiting.ts";
import type { Reads } from "./open-reads.ts";

const WAITING_INTERVAL_MS = 1_000;
const CHANGED_INTERVAL_MS = 2_000;

/** The requests of this process that wait for a commit. */
export interface Replies {
  /** The address of this process, for replies to its batches. */
  replyTo: string;
  waiting: WaitingBatches;
  watched: WatchedWorkspaces;
}

/** Subscribes to replies and commits, and polls Postgres for those that got lost. */
export async function openReplies(
  service: Service,
  redis: Pick<OpenRedis, "connectListener">,
  { reads, feed }: Pick<Reads, "reads" | "feed">,
): Promise<Replies> {
  const replyTo = uuidv7();
  const waiting = new WaitingBatches();
  const watched = new WatchedWorkspaces();
  const subscription = await subscribeReplies(
    redis.connectListener(),
    replyTo,
    {
      onBatch: ({ batchId, results }) => waiting.onBatch(batchId, results),
      onSettled: (settled) => {
        for (const { result, ...batch } of settled) waiting.onSettled(batch, result);
      },
      onChanged: (changed) => {
        for (const { workspaceId } of changed) watched.onCommit(workspaceId);
      },
    },
    service.log,
  );
  service.own("subscription", subscription, (s) => s.stop());
  const pollWaiting = createPollWaiting({ waiting, reads });
  service.repeat("the poll of waiting batches", pollWaiting, WAITING_INTERVAL_MS);
  service.repeat("the poll for commits", createPollChanged({ watched, feed }), CHANGED_INTERVAL_MS);
  return { replyTo, waiting, watched };
}
