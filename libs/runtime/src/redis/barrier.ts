import type { Redis } from "ioredis";
import { createCoalescer } from "../queues/coalesce.ts";
import { toRedisError } from "./redis-error.ts";
import type { OpenRedis, Shard } from "./shards.ts";

/** Makes sure that what was written does not die with the master that took it. */
export interface Barrier {
  /**
   * The history that a lane is written to: a master's, from when it became one. To be asked as soon as a write was answered.
   * `undefined` where it is not known.
   */
  historyOf(lane: number): string | undefined;
  /**
   * Waits until a replica has what was written to a lane before.
   * @returns whether one has it; not where the lane's master has another history by now
   */
  isReplicated(lane: number, history: string | undefined): Promise<boolean>;
}

/** A replica that is there answers within a round trip or two. */
const REPLICA_MS_MAX = 1_000;

/**
 * On a cluster a master acknowledges before its replicas have a write, and a failover loses what none had. Replication is
 * one ordered stream: so when a replica has a key that is written now, it has all that was written in that history before.
 * One barrier at a time for each shard, for everybody who waits by then, so that its cost does not grow with load.
 */
export function createBarrier({ shards, connectAgain }: OpenRedis): Barrier {
  // `WAIT` holds up its connection, so it is none that others use.
  const barriers = connectAgain();
  const watches = shards.all.map(({ redis }) => watchHistory(redis));
  const coalesce = createCoalescer<string | undefined>();

  /** @returns the history of which a replica has everything, up to when this began */
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
      // Without a failover, too, a master begins a new one, when it is without replicas for long.
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
      // Its connection is told of, and looked at again when it is back.
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
