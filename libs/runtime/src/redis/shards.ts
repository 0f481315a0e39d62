import { assertInvariant, laneOf, shardOf, shardTags } from "@syncline/shared";
import type { Redis } from "ioredis";
import { findNodes } from "./cluster-nodes.ts";
import { closeRedis, connectRedis, connectRedisForWorker, type NodeFinder } from "./connect.ts";
import { keysOf, type ShardKeys } from "./keys.ts";

/** A slice of the lanes that lies on one server, with all that its scripts and queues touch. */
export interface Shard {
  index: number;
  /** The hash tag of all its keys. */
  tag: string;
  keys: ShardKeys;
  redis: Redis;
}

/** All lanes, and where each lies. */
export interface Shards {
  all: readonly Shard[];
  ofLane: (lane: number) => Shard;
  /** The shard of a workspace's lane; of anything else that is to be spread, always the same. */
  of: (workspaceId: string) => Shard;
  /** Connections to servers that may be different ones: one for each shard of a cluster, else one. */
  connections: readonly Redis[];
}

/** Where Redis is, as the environment says. */
export interface RedisAddress {
  REDIS_URL: readonly string[];
  REDIS_CLUSTER: "true" | "false";
  REDIS_SHARDS: number;
}

/** The connections of a process, which closes them. */
export interface OpenRedis {
  shards: Shards;
  /** The same over other connections, for what would hold up other commands. */
  connectAgain: () => Shards;
  /** The same over connections for workers, which block. */
  connectForJobs: () => Shards;
  /** One that only listens. */
  connectListener: () => Redis;
  close: () => Promise<void>;
}

/** @param redisByShard - the same for several shards where they lie on one server */
export function createShards(redisByShard: readonly Redis[]): Shards {
  const all = shardTags(redisByShard.length).map((tag, index): Shard => {
    const redis = redisByShard[index];
    assertInvariant(redis !== undefined, "a shard has no connection");
    return { index, tag, keys: keysOf(tag), redis };
  });
  const at = (index: number): Shard => {
    const shard = all[index];
    assertInvariant(shard !== undefined, "a lane lies on no shard");
    return shard;
  };
  return {
    all,
    ofLane: (lane) => at(shardOf(lane, all.length)),
    of: (workspaceId) => at(laneOf(workspaceId, all.length)),
    connections: [...new Set(redisByShard)],
  };
}

/** The connections by what operators call them: `redis`, or one for each shard of a cluster. */
export function redisByName({ all, connections }: Shards): Record<string, Redis> {
  const [only, ...more] = connections;
  if (only !== undefined && more.length === 0) return { redis: only };
  return Object.fromEntries(all.map(({ index, redis }) => [`redis-${index}`, redis]));
}

/** Connects to one server, or to a cluster: there each shard has a connection to the master that it lies on. */
export function openRedis(place: RedisAddress, onError: (error: Error) => void): OpenRedis {
  const [url = ""] = place.REDIS_URL;
  const tags = shardTags(place.REDIS_SHARDS);
  const nodes = place.REDIS_CLUSTER === "true" ? findNodes(place.REDIS_URL) : undefined;
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
