import { setTimeout as delay } from "node:timers/promises";
import type { ManagedProcess } from "@syncline/stack";
import { Redis } from "ioredis";
import {
  complaints,
  failedRequests,
  inFlight,
  prove,
  until,
  type FaultContext,
  type FaultKind,
} from "./fault-kind.ts";

const HUNG_MS = 8_000;
const WITHOUT_REPLICA_MS = 3_000;
const TAKEN_OVER_MS_MAX = 30_000;

/** A Redis Cluster whose nodes fail. Each shard's master has one replica. */
export const CLUSTER_FAULTS: readonly FaultKind[] = [
  { name: "Redis Cluster: a master killed", strike: killMaster },
  { name: "Redis Cluster: a master killed, and back at once", strike: restartMaster },
  { name: "Redis Cluster: a master hangs", strike: hangMaster },
  { name: "Redis Cluster: a master hands over", strike: handOver },
  { name: "Redis Cluster: a replica killed", strike: killReplica },
];

/** A master with its slots, and its replica. */
interface Pair {
  master: ManagedProcess;
  replica: ManagedProcess;
  /** A connection to the replica, which stays up while the master fails. */
  witness: Redis;
}

async function killMaster(context: FaultContext): Promise<string> {
  return withPair(context, async ({ master, replica, witness }) => {
    const operations = await inFlight(context);
    const oldPid = master.pid;
    await master.kill();
    const killedAtMs = Date.now();
    await untilMaster(replica, witness);
    const takenOverMs = Date.now() - killedAtMs;
    await until("services complained", () => complaints(context) > 0);
    await master.start();
    return `${master.name} (${oldPid}) killed, ${replica.name} took over after ${takenOverMs} ms; ${operations} operations in flight, ${failedRequests(context)} requests failed`;
  });
}

/** Restarts the master before its replica takes over, so that it resumes from its file. */
async function restartMaster(context: FaultContext): Promise<string> {
  return withPair(context, async ({ master, witness }) => {
    const operations = await inFlight(context);
    const oldPid = master.pid;
    await master.kill();
    await master.start();
    prove("the process was replaced", master.pid !== oldPid);
    await until("services complained", () => complaints(context) > 0);
    const role = (await witness.role())[0] === "master" ? "was too late" : "is master again";
    return `${master.name} (${oldPid}) killed, as ${master.pid} it ${role}; ${operations} operations in flight, ${complaints(context)} warnings or errors logged`;
  });
}

/** Freezes the master. Afterwards it resumes with the data sent to it, while another node has its slots. */
async function hangMaster(context: FaultContext): Promise<string> {
  return withPair(context, async ({ master, replica, witness }) => {
    const operations = await inFlight(context);
    const { pid } = master;
    if (pid === undefined) throw new Error(`${master.name} does not run`);
    process.kill(pid, "SIGSTOP");
    try {
      await untilMaster(replica, witness);
      await delay(HUNG_MS);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await until("services complained", () => complaints(context) > 0);
    return `${master.name} hung, ${replica.name} took over; ${operations} operations in flight, ${failedRequests(context)} requests failed`;
  });
}

async function handOver(context: FaultContext): Promise<string> {
  return withPair(context, async ({ master, replica, witness }) => {
    const operations = await inFlight(context);
    const beganAtMs = Date.now();
    await witness.call("CLUSTER", "FAILOVER");
    await untilMaster(replica, witness);
    return `${master.name} handed over to ${replica.name} in ${Date.now() - beganAtMs} ms; ${operations} operations in flight, ${complaints(context)} warnings or errors logged`;
  });
}

async function killReplica(context: FaultContext): Promise<string> {
  return withPair(context, async ({ master, replica }) => {
    const operations = await inFlight(context);
    await replica.kill();
    await delay(WITHOUT_REPLICA_MS);
    await until("a batch was not confirmed as 202", () => unconfirmed(context) > 0);
    await replica.start();
    return `${replica.name} killed, ${master.name} alone for ${WITHOUT_REPLICA_MS / 1_000} s; ${operations} operations in flight, ${unconfirmed(context)} batches not confirmed`;
  });
}

/** Counts batches that would have been answered 202. */
function unconfirmed({ logged }: FaultContext): number {
  return logged().filter(({ message }) => message.startsWith("no replica has confirmed")).length;
}

/** Strikes a master, whichever lanes its shard holds, and waits until every master has its replica again. */
async function withPair(context: FaultContext, strike: (pair: Pair) => Promise<string>): Promise<string> {
  const { stores } = context.system;
  const urls = stores.redisUrl.split(",");
  const nodes = stores.redisNodes.map((managed, index) => ({ managed, redis: new Redis(urls[index] ?? "") }));
  for (const { redis } of nodes) redis.on("error", () => undefined); // the fault stops one of them
  try {
    const roles = await Promise.all(nodes.map(({ redis }) => redis.role()));
    const masters = nodes.filter((_, index) => roles[index]?.[0] === "master");
    const master = context.random.pick(masters);
    const replica = nodes.find((_, index) => {
      const [role, , port] = roles[index] ?? [];
      return role === "slave" && port === master.redis.options.port;
    });
    if (replica === undefined) throw new Error(`${master.managed.name} has no replica`);
    const told = await strike({ master: master.managed, replica: replica.managed, witness: replica.redis });
    await until(
      "every master has its replica again",
      async () => {
        const infos = await Promise.all(nodes.map(({ redis }) => redis.info("replication").catch(() => "")));
        const isIn = (word: string) => infos.filter((info) => info.includes(word)).length;
        return isIn("state=online") === masters.length && isIn("master_link_status:up") === masters.length;
      },
      TAKEN_OVER_MS_MAX,
    );
    return told;
  } finally {
    for (const { redis } of nodes) redis.disconnect();
  }
}

function untilMaster(node: ManagedProcess, redis: Redis): Promise<void> {
  const isMaster = async () => (await redis.role())[0] === "master";
  return until(`${node.name} has taken over`, isMaster, TAKEN_OVER_MS_MAX);
}
