import type { OperationResult, BatchId, DeviceId, WorkspaceId } from "@syncline/shared/protocol";
import { exactly, operationResultSchema, readWire } from "@syncline/shared/schemas";
import type { Redis } from "ioredis";
import { z } from "zod";
import type { Logger } from "@syncline/kit/telemetry";
import { repeat, type Repeating } from "@syncline/kit/process";
import { guarded } from "./connect.ts";
import { CHANGED_CHANNEL, replyChannel, SETTLED_CHANNEL } from "./keys.ts";
import type { Shard, Shards } from "./shards.ts";

/** The reply to a batch, for the ingest process that accepted it. */
export interface BatchReplyMessage {
  batchId: BatchId;
  results: OperationResult[];
}

/**
 * The final result of an operation that was `pending`, for every ingest process. In any batch but its first it is a
 * replay.
 */
export interface SettledMessage {
  workspaceId: WorkspaceId;
  deviceId: DeviceId;
  batchId: BatchId;
  result: OperationResult;
}

/** A commit to a workspace. */
export interface ChangedMessage {
  workspaceId: WorkspaceId;
}

export const repliesSchema: z.ZodType<BatchReplyMessage[]> = z.array(
  exactly<BatchReplyMessage>()(z.object({ batchId: z.string(), results: z.array(operationResultSchema) })),
);
export const settledSchema: z.ZodType<SettledMessage[]> = z.array(
  exactly<SettledMessage>()(
    z.object({
      workspaceId: z.string(),
      deviceId: z.string(),
      batchId: z.string(),
      result: operationResultSchema,
    }),
  ),
);
export const changedSchema = z.array(exactly<ChangedMessage>()(z.object({ workspaceId: z.string() })));

/**
 * Publishes replies for waiting requests and commits for followers of a workspace. All of them are hints: a lost one
 * can be read from Postgres.
 */
export interface ReplyPublisher {
  publish(
    replies: readonly (BatchReplyMessage & { workspaceId: WorkspaceId; replyTo: string })[],
    settled: readonly SettledMessage[],
    changed: readonly ChangedMessage[],
  ): Promise<void>;
}

/**
 * Creates the publisher. It publishes on the connection to the workspace's shard, which keeps the order with earlier
 * commands.
 */
export function createReplyPublisher(shards: Shards): ReplyPublisher {
  return {
    async publish(replies, settled, changed) {
      const published = shards.all.map((shard) => {
        const isHere = ({ workspaceId }: { workspaceId: WorkspaceId }) => shards.of(workspaceId) === shard;
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

/** The interval of pings on a connection that only listens. */
const PING_INTERVAL_MS = 5_000;

/**
 * Subscribes to replies for one ingest process and to messages for all of them. Pings the connection at an interval, so
 * that a silently dead one is replaced; otherwise it could miss messages for hours.
 *
 * @param redis - a connection used only for this subscription
 * @returns the repeated ping; the connection's owner closes the connection
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
    const isRead =
      channel === SETTLED_CHANNEL
        ? pass(settledSchema, message, handlers.onSettled)
        : channel === CHANGED_CHANNEL
          ? pass(changedSchema, message, handlers.onChanged)
          : pass(repliesSchema, message, (replies) => replies.forEach(handlers.onBatch));
    if (!isRead) log.warn({ channel }, "a message of another version cannot be read; its receivers poll");
  });
  await redis.subscribe(replyChannel(replyTo), SETTLED_CHANNEL, CHANGED_CHANNEL);
  const ping = async () => void (await redis.ping());
  return repeat("the ping on the reply subscription", ping, { intervalMs: PING_INTERVAL_MS, log });
}

/** Passes a message on. @returns false if it cannot be read */
function pass<T>(schema: z.ZodType<T>, message: string, handle: (value: T) => void): boolean {
  const value = readWire(schema, message);
  if (value === undefined) return false;
  handle(value);
  return true;
}
