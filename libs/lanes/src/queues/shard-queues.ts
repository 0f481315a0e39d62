import { assertInvariant } from "@syncline/shared/protocol";
import { Queue } from "bullmq";
import type { Shard, Shards } from "../shards.ts";

/** A BullMQ queue on each shard. */
export interface ShardQueues<T> {
  on(shard: Shard): Queue<T>;
  close(): Promise<void>;
}

/**
 * Opens a queue of this name on each shard.
 *
 * @param onError - called for connection errors; without it BullMQ prints them to stderr
 */
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
