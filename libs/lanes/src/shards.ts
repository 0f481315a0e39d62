import { assertInvariant, laneOf, shardOf, type WorkspaceId } from "@syncline/shared/protocol";
import { shardTags } from "./shard-tags.ts";
import type { Redis } from "ioredis";
import { findNodes } from "./cluster-nodes.ts";
import { closeRedis, connectRedis, connectRedisForWorker, type NodeFinder } from "./connect.ts";
import { keysOf, type ShardKeys } from "./keys.ts";

/** A slice of the lanes on one server, with all keys that its scripts and queues use. */
export interface Shard {
  index: number;
  /** The hash tag of all its keys. */
  tag: string;
  keys: ShardKeys;
  redis: Redis;
}

/** The shards of all lanes. */
export interface Shards {
  all: readonly Shard[];
  ofLane: (lane: number) => Shard;
  /** The shard of a workspace's lane. Spreads other text, too, always to the same shard. */
  of: (workspaceId: WorkspaceId) => Shard;
  /** The distinct connections: one for each shard of a cluster, otherwise one. */
  connections: readonly Redis[];
}

/** The variables that say where Redis is. */
export interface RedisAddress {
  REDIS_URL: readonly string[];
  REDIS_CLUSTER: "true" | "false";
  REDIS_SHARDS: number;
}

/** The Redis connections of a process, which closes them. */
export interface OpenRedis {
  shards: Shards;
  /** The shards over other connections, for commands that would delay others. */
  connectAgain: () => Shards;
  /** The shards over connections for workers, which block. */
  connectForJobs: () => Shards;
  /** A connection that only listens. */
  connectListener: () => Redis;
  close: () => Promise<void>;
}

/**
 * Creates shards from their connections.
 *
 * @param redisByShard - repeats a connection for shards on one server
 */
export function createShards(redisByShard: readonly Redis[]): Shards {
  const all = shardTags(redisByShard.length).map((tag, index): Shard => {
    const redis = redisByShard[index];
    assertInvariant(redis !== undefined, "a shard has no connection");
    return { index, tag, keys: keysOf(tag), redis };
  });
  const at = (index: number): Shard => {
    const shard = all[index];
    assertInvariant(shard !== undefined, "a lane has no shard");
    return shard;
  };
  return {
    all,
    ofLane: (lane) => at(shardOf(lane, all.length)),
    of: (workspaceId) => at(laneOf(workspaceId, all.length)),
    connections: [...new Set(redisByShard)],
  };
}

/** The connections by the names that operators see: `redis`, or one for each shard of a cluster. */
export function redisByName({ all, connections }: Shards): Record<string, Redis> {
  const [only, ...more] = connections;
  if (only !== undefined && more.length === 0) return { redis: only };
  return Object.fromEntries(all.map(({ index, redis }) => [`redis-${index}`, redis]));
}

/** Connects to one server or to a cluster, in which each shard has a connection to its master. */
export function openRedis(address: RedisAddress, onError: (error: Error) => void): OpenRedis {
  const [url = ""] = address.REDIS_URL;
  const tags = shardTags(address.REDIS_SHARDS);
  const nodes = address.REDIS_CLUSTER === "true" ? findNodes(address.REDIS_URL) : undefined;
  const opened: Redis[] = [];

  type Connect = typeof connectRedis;
  function open(connect: Connect, finder?: NodeFinder): Redis {
    const redis = connect(url, onError, finder);
    opened.push(redis);
    return redis;
  }
  function openEach(connect: Connect): Shards {
    if (nodes !== undefined) return createShards(tags.map((tag) => open(connect, nodes.toMasterOf(tag))));
    const redis = open(connect);
    return createShards(tags.map(() => redis));
  }

  return {
    shards: openEach(connectRedis),
    connectAgain: () => openEach(connectRedis),
    connectForJobs: () => openEach(connectRedisForWorker),
    connectListener: () => open(connectRedis, nodes?.toAny()),
    async close() {
      await Promise.all(opened.map(closeRedis));
    },
  };
}
