import { connectContainerEngine, startContainerStores } from "../container-stores.ts";
import { openHome } from "../home.ts";
import { IMAGES } from "../images.ts";
import { prepareLocalPostgres } from "../local-postgres.ts";
import type { StoreCertificate } from "../local-postgres.ts";
import { prepareLocalRedisCluster } from "../local-redis-cluster.ts";
import { prepareLocalRedis } from "../local-redis.ts";
import { ManagedProcess, type ProcessSpec } from "../managed-process.ts";
import { pickTestStack } from "../pick-test-stack.ts";
import { endRecordedProcesses } from "../process-records.ts";
import { makeTestHome, removeTestHome } from "./test-home.ts";

const PULL_TIMEOUT_MS = 20_000;

/** Stores for tests, in their own folder. */
export interface TestStores {
  /** A superuser's URL of the server, on which tests create their databases. */
  readonly databaseServerUrl: string;
  /** Logical database 0; see createTestRedisUrl. */
  readonly redisUrl: string;
  /** The folder for logs and process records. */
  readonly home: string;
  /** Stops the stores and all processes that tests left running, and removes the folder. */
  readonly stop: () => Promise<void>;
}

/** Stores from this machine's binaries, whose processes a test may kill and restart at the same URLs. */
export interface LocalStores extends TestStores {
  readonly postgres: ManagedProcess;
  /** The only Redis, or a cluster's first node. */
  readonly redis: ManagedProcess;
  /** A cluster's nodes: masters first, then their replicas in the same order. Otherwise the only Redis. */
  readonly redisNodes: readonly ManagedProcess[];
}

/** Starts the stores of a test run, in containers or from local binaries, and prints the choice and its reason. */
export async function startTestStores(env: NodeJS.ProcessEnv): Promise<TestStores> {
  const { kind, reason } = await pickTestStack({
    wish: env["TEST_STACK"],
    images: Object.values(IMAGES),
    pullTimeoutMs: PULL_TIMEOUT_MS,
    connectEngine: connectContainerEngine,
  });
  if (kind === "local") {
    say(`Postgres and Redis for the tests: binaries of this machine (${reason}).`);
    return startLocalStores();
  }
  say(`Postgres and Redis for the tests: containers ${IMAGES.postgres} and ${IMAGES.redis} (${reason}).`);
  const home = makeTestHome();
  const stores = await startContainerStores();
  const stop = async () => {
    await endRecordedProcesses(home);
    await stores.stop();
    await removeTestHome(home);
  };
  return { ...stores, home, stop };
}

/**
 * Starts stores for one test that damages them or needs another configuration.
 *
 * @param how.cluster - a Redis Cluster of three masters and their replicas; its URL names all nodes
 */
export async function startLocalStores(
  how: { certificate?: StoreCertificate; cluster?: boolean } = {},
): Promise<LocalStores> {
  const home = makeTestHome();
  const { cluster: isCluster = false, ...own } = how;
  const options = { home, settings: openHome(home), say, ...own };
  const start = async (spec: ProcessSpec) => {
    const managed = new ManagedProcess(home, spec);
    await managed.start();
    return managed;
  };
  const startPostgres = async () => {
    const { url, spec } = await prepareLocalPostgres(options);
    return { url, managed: await start(spec) };
  };
  const startRedis = async () => {
    const { url, spec } = await prepareLocalRedis(options);
    return { url, nodes: [await start(spec)] };
  };
  const startRedisCluster = async () => {
    const { url, specs, join } = await prepareLocalRedisCluster(options);
    const nodes = await Promise.all(specs.map(start));
    await join();
    return { url, nodes };
  };
  try {
    const [postgres, redis] = await Promise.all([
      startPostgres(),
      isCluster ? startRedisCluster() : startRedis(),
    ]);
    const [first] = redis.nodes;
    if (first === undefined) throw new Error("unreachable: a node was started");
    return {
      databaseServerUrl: postgres.url,
      redisUrl: redis.url,
      home,
      postgres: postgres.managed,
      redis: first,
      redisNodes: redis.nodes,
      stop: () => removeTestHome(home),
    };
  } catch (error) {
    await removeTestHome(home);
    throw error;
  }
}

function say(line: string): void {
  console.error(line);
}
