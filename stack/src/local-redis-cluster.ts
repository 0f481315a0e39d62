import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { findFreePorts } from "./free-port.ts";
import type { LocalStoreOptions } from "./local-postgres.ts";
import { describeRedis, makeFolder, REDIS_CONFIG } from "./local-redis.ts";
import type { ProcessSpec } from "./managed-process.ts";
import { findRedisServer } from "./redis-binary.ts";
import { StackError } from "./stack-error.ts";

const HOST = "127.0.0.1";
const MASTERS = 3;
const SLOT_COUNT = 16_384;
const JOIN_MS_MAX = 120_000;
const LOOK_MS = 50;

/** A Redis Cluster of six nodes: three masters with one replica each. */
export interface LocalRedisCluster {
  /** The URLs of all nodes, comma-separated. */
  readonly url: string;
  /** The masters, then their replicas in the same order. */
  readonly specs: readonly ProcessSpec[];
  /** Joins the nodes to a cluster, once all of them run. */
  readonly join: () => Promise<void>;
}

/** Prepares a cluster of our own for tests, on this machine, with the settings that Syncline requires. */
export async function prepareLocalRedisCluster(
  { home, settings, signal, say }: LocalStoreOptions,
  { nodeTimeoutMs = 1_500 } = {},
): Promise<LocalRedisCluster> {
  const server = await findRedisServer(say, signal);
  const ports = await findFreePorts(4 * MASTERS);
  const nodes = ports.splice(0, 2 * MASTERS).map((port, index) => {
    const url = `redis://:${settings.redisPassword}@${HOST}:${port}`;
    const name = `redis-node-${index + 1}`;
    const busPort = ports[index] ?? 0;
    const config = {
      ...REDIS_CONFIG,
      databases: "1",
      bind: HOST,
      port: String(port),
      requirepass: settings.redisPassword,
      masterauth: settings.redisPassword,
      "cluster-enabled": "yes",
      "cluster-config-file": "nodes.conf",
      "cluster-port": String(busPort),
      "cluster-node-timeout": String(nodeTimeoutMs),
      // A shard without a master does not stop the others.
      "cluster-require-full-coverage": "no",
      "cluster-allow-replica-migration": "no",
      "repl-diskless-sync-delay": "0",
    };
    const spec = describeRedis({ name, server, folder: makeFolder(home, name), config, url });
    return { url, port, busPort, spec };
  });

  async function join(): Promise<void> {
    const connections = nodes.map(({ url }) => new Redis(url));
    try {
      const masters = connections.slice(0, MASTERS);
      for (const [index, master] of masters.entries()) {
        const from = Math.ceil((index * SLOT_COUNT) / MASTERS);
        const to = Math.ceil(((index + 1) * SLOT_COUNT) / MASTERS) - 1;
        await master.call("CLUSTER", "ADDSLOTSRANGE", from, to);
      }
      const [first] = connections;
      for (const { port, busPort } of nodes) await first?.call("CLUSTER", "MEET", HOST, port, busPort);
      await all("know each other", connections, async (redis) => {
        const known = String(await redis.cluster("NODES"))
          .trim()
          .split("\n");
        return known.length === nodes.length && known.every((line) => !line.includes("handshake"));
      });
      const ids = await Promise.all(masters.map((master) => master.cluster("MYID")));
      for (const [index, replica] of connections.slice(MASTERS).entries())
        await replica.cluster("REPLICATE", ids[index] ?? "");
      await all("form a cluster", connections, async (redis) =>
        (await redis.cluster("INFO")).includes("cluster_state:ok"),
      );
      await all("get replicas", masters, async (redis) =>
        (await redis.info("replication")).includes("state=online"),
      );
    } finally {
      for (const redis of connections) redis.disconnect();
    }
  }

  return { url: nodes.map(({ url }) => url).join(","), specs: nodes.map(({ spec }) => spec), join };
}

async function all(
  what: string,
  nodes: readonly Redis[],
  isSo: (redis: Redis) => Promise<boolean>,
): Promise<void> {
  const giveUpAtMs = Date.now() + JOIN_MS_MAX;
  while (!(await Promise.all(nodes.map(isSo))).every(Boolean)) {
    if (Date.now() > giveUpAtMs)
      throw new StackError(`The nodes of the Redis Cluster did not ${what} within ${JOIN_MS_MAX / 1_000} s.`);
    await delay(LOOK_MS);
  }
}
