import type { OperationResult } from "@syncline/shared";
import type { Redis } from "ioredis";
import type { Logger } from "../log.ts";
import { repeat, type Repeating } from "../repeat.ts";
import { guarded } from "./connect.ts";
import { CHANGED_CHANNEL, replyChannel, SETTLED_CHANNEL } from "./keys.ts";
import type { Shard, Shards } from "./shards.ts";

/** The answer to a batch, sent to the ingest process that took it. */
export interface BatchReplyMessage {
  batchId: string;
  results: OperationResult[];
}

/**
 * The final answer to an operation that was `pending`, sent to every ingest process. In any batch but the one that
 * brought it first it is a replay.
 */
export interface SettledMessage {
  workspaceId: string;
  deviceId: string;
  batchId: string;
  result: OperationResult;
}

/** A workspace that was committed to. */
export interface ChangedMessage {
  workspaceId: string;
}

/**
 * Answers on their way to waiting requests, and word of commits for those who follow a workspace. All are hints: what
 * is lost is found in Postgres.
 */
export interface ReplyPublisher {
  publish(
    replies: readonly (BatchReplyMessage & { workspaceId: string; replyTo: string })[],
    settled: readonly SettledMessage[],
    changed: readonly ChangedMessage[],
  ): Promise<void>;
}

/** Of each workspace it tells over the connection to its shard, which keeps it behind what was done there before. */
export function createReplyPublisher(shards: Shards): ReplyPublisher {
  return {
    async publish(replies, settled, changed) {
      const published = shards.all.map((shard) => {
        const isHere = ({ workspaceId }: { workspaceId: string }) => shards.of(workspaceId) === shard;
        return publishFrom(shard, replies.filter(isHere), settled.filter(isHere), changed.filter(isHere));
      });
      await Promise.all(published);
    },
  };
}

async function publishFrom(
  { redis }: Shard,
  replies: readonly (BatchReplyMessage & { replyTo: string })[],
  settled: readonly SettledMessage[],
  changed: readonly ChangedMessage[],
): Promise<void> {
  if (replies.length + settled.length + changed.length === 0) return;
  const pipeline = redis.pipeline();
  for (const [replyTo, ofOne] of Map.groupBy(replies, (reply) => reply.replyTo)) {
    const messages = ofOne.map(({ batchId, results }): BatchReplyMessage => ({ batchId, results }));
    pipeline.publish(replyChannel(replyTo), JSON.stringify(messages));
  }
  if (settled.length > 0) pipeline.publish(SETTLED_CHANNEL, JSON.stringify(settled));
  if (changed.length > 0) pipeline.publish(CHANGED_CHANNEL, JSON.stringify(changed));
  await guarded(pipeline.exec());
}

/** How often a connection that only listens is asked whether it is still there. */
const PING_INTERVAL_MS = 5_000;

/**
 * Listens for the answers to one ingest process's batches, and for what every ingest process is published. Asks now and then
 * whether the connection is still there: one that is dead without a word is replaced then, and would else hear nothing for
 * hours.
 *
 * @param redis - a connection of its own: it does nothing but listen
 * @returns the asking; the connection's owner closes it
 */
export async function subscribeReplies(
  redis: Redis,
  replyTo: string,
  handlers: {
    onBatch: (reply: BatchReplyMessage) => void;
    onSettled: (settled: SettledMessage[]) => void;
    onChanged: (changed: ChangedMessage[]) => void;
  },
  log: Logger,
): Promise<Repeating> {
  redis.on("message", (channel: string, message: string) => {
    if (channel === SETTLED_CHANNEL) handlers.onSettled(JSON.parse(message) as SettledMessage[]);
    else if (channel === CHANGED_CHANNEL) handlers.onChanged(JSON.parse(message) as ChangedMessage[]);
    else for (const reply of JSON.parse(message) as BatchReplyMessage[]) handlers.onBatch(reply);
  });
  await redis.subscribe(replyChannel(replyTo), SETTLED_CHANNEL, CHANGED_CHANNEL);
  const ping = async () => void (await redis.ping());
  return repeat("the look at the subscription", ping, { intervalMs: PING_INTERVAL_MS, log });
}
