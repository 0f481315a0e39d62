import { assertInvariant } from "@syncline/shared";
import { Queue } from "bullmq";
import type { Shard, Shards } from "../redis/shards.ts";

/** One of BullMQ's queues on each shard. */
export interface ShardQueues<T> {
  on(shard: Shard): Queue<T>;
  close(): Promise<void>;
}

/** @param onError - told of what breaks in between; without it, it would go to stderr as it is */
export function openShardQueues<T>(
  name: string,
  shards: Shards,
  onError: (error: Error) => void,
): ShardQueues<T> {
  const queues = shards.all.map(({ redis, keys }) => {
    const queue = new Queue<T>(name, { connection: redis, prefix: keys.queuePrefix });
    queue.on("error", onError);
    return queue;
  });
  return {
    on({ index }) {
      const queue = queues[index];
      assertInvariant(queue !== undefined, "a shard has no queue");
      return queue;
    },
    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
}
