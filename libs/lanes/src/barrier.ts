import type { Redis } from "ioredis";
import { createCoalescer } from "@syncline/kit/process";
import { toRedisError } from "./redis-error.ts";
import type { OpenRedis, Shard } from "./shards.ts";

/** Confirms that writes survive the loss of the master that took them. */
export interface Barrier {
  /**
   * The replication id of a lane's master, which changes when another node becomes master. Read it as soon as a write
   * is answered. `undefined` if it is unknown.
   */
  historyOf(lane: number): string | undefined;
  /**
   * Waits until a replica has all earlier writes to a lane.
   * @returns true if a replica has them; false if none has, or if the master's replication id has changed since
   */
  isReplicated(lane: number, history: string | undefined): Promise<boolean>;
}

/** The wait for a replica. An available replica answers within a round trip or two. */
const REPLICA_MS_MAX = 1_000;

/**
 * Creates the barrier. A cluster's master acknowledges a write before its replicas have it, and a failover loses writes
 * that no replica had. Replication is one ordered stream: a replica that has a key written now has all earlier writes
 * with the same replication id. Each shard runs one barrier at a time for all waiting callers, so that its cost does
 * not grow with load.
 */
export function createBarrier({ shards, connectAgain }: OpenRedis): Barrier {
  // `WAIT` blocks its connection, so it gets its own.
  const barriers = connectAgain();
  const watches = shards.all.map(({ redis }) => watchHistory(redis));
  const coalesce = createCoalescer<string | undefined>();

  /** @returns the replication id under which a replica has all writes made before this call */
  async function raise({ redis, keys }: Shard): Promise<string | undefined> {
    const barrier = redis.pipeline().set(keys.barrier, "").info("replication").wait(1, REPLICA_MS_MAX);
    const answers = await barrier.exec();
    const [, info, replicas] = (answers ?? []).map(([error, answer]) => {
      if (error) throw toRedisError(error);
      return answer;
    });
    return Number(replicas) > 0 ? historyIn(String(info)) : undefined;
  }

  return {
    historyOf: (lane) => watches[shards.ofLane(lane).index]?.history(),
    async isReplicated(lane, history) {
      const shard = barriers.ofLane(lane);
      const replicated = await coalesce(shard.keys.barrier, () => raise(shard));
      if (replicated === undefined) return false;
      // A master also changes its replication id without a failover, after a long time without replicas.
      if (replicated !== history) watches[shard.index]?.look();
      return replicated === history;
    },
  };
}

function watchHistory(redis: Redis): { history: () => string | undefined; look: () => void } {
  let history: string | undefined;
  function look(): void {
    redis.info("replication").then(
      (info) => (history = historyIn(info)),
      // The connection reports the error itself, and the replication id is read again when it is back.
      () => (history = undefined),
    );
  }
  redis.on("close", () => (history = undefined));
  redis.on("ready", look);
  if (redis.status === "ready") look();
  return { history: () => history, look };
}

function historyIn(info: string): string | undefined {
  return /^master_replid:(\w+)/m.exec(info)?.[1];
}
