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

/** Stores for tests, in a folder of their own. */
export interface TestStores {
  /** A superuser's address of the server; the tests make their databases there. */
  readonly databaseServerUrl: string;
  /** Logical database 0; see createTestRedisUrl. */
  readonly redisUrl: string;
  /** Where logs and process records go. */
  readonly home: string;
  /** Ends the stores, and whatever tests left running, and removes the folder. */
  readonly stop: () => Promise<void>;
}

/** Stores of this machine's own binaries, whose processes a test may kill and start again at the same addresses. */
export interface LocalStores extends TestStores {
  readonly postgres: ManagedProcess;
  /** The only one, or a cluster's first node. */
  readonly redis: ManagedProcess;
  /** Those of a cluster: masters first, then their replicas in the same order. Else the only one. */
  readonly redisNodes: readonly ManagedProcess[];
}

/** Starts the stores of a test run: in containers or of local binaries, saying which and why. */
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
 * Starts stores that nobody else uses, for tests that do harm to them, or need them set up in another way.
 *
 * @param how.cluster - a Redis Cluster of three masters and their replicas; its address is that of all nodes
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
