import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectContainerEngine, startContainerStores } from "../container-stores.ts";
import { openHome } from "../home.ts";
import { IMAGES } from "../images.ts";
import { prepareLocalPostgres, removeOutsideData } from "../local-postgres.ts";
import { prepareLocalRedis } from "../local-redis.ts";
import { ManagedProcess } from "../managed-process.ts";
import { pickTestStack } from "../pick-test-stack.ts";
import { endRecordedProcesses, identifyProcess } from "../process-records.ts";

const PULL_TIMEOUT_MS = 20_000;
const HOME_PREFIX = "syncline-test-";

/** Stores for tests, in a folder of their own. */
export interface TestStores {
  /** A superuser's address of the server; the tests make their databases there. */
  readonly databaseServerUrl: string;
  /** Logical database 0; see createTestRedisUrl. */
  readonly redisUrl: string;
  /** Where logs and process records go. */
  readonly home: string;
  /** Ends the stores, and whatever tests left running, and removes the folder. */
  stop(): Promise<void>;
}

/** Stores of this machine's own binaries, whose processes a test may kill and start again at the same addresses. */
export interface LocalStores extends TestStores {
  readonly postgres: ManagedProcess;
  readonly redis: ManagedProcess;
}

/** Starts the stores of a test run: in containers or of local binaries, saying which and why. */
export async function startTestStores(env: NodeJS.ProcessEnv): Promise<TestStores> {
  await sweepKilledRuns();
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
  const home = makeHome();
  const stores = await startContainerStores();
  const stop = async () => {
    await endRecordedProcesses(home);
    await stores.stop();
    await removeHome(home);
  };
  return { ...stores, home, stop };
}

/** Starts stores that nobody else uses, for tests that do harm to them. */
export async function startLocalStores(): Promise<LocalStores> {
  const home = makeHome();
  const options = { home, settings: openHome(home), say };
  const start = async ({ url, spec }: Awaited<ReturnType<typeof prepareLocalRedis>>) => {
    const managed = new ManagedProcess(home, spec);
    await managed.start();
    return { url, managed };
  };
  try {
    const [postgres, redis] = await Promise.all([
      prepareLocalPostgres(options).then(start),
      prepareLocalRedis(options).then(start),
    ]);
    return {
      databaseServerUrl: postgres.url,
      redisUrl: redis.url,
      home,
      postgres: postgres.managed,
      redis: redis.managed,
      stop: () => removeHome(home),
    };
  } catch (error) {
    await removeHome(home);
    throw error;
  }
}

/** The process id in the name says whose it is, so that the next run can clear up after one that was killed. */
function makeHome(): string {
  return mkdtempSync(join(tmpdir(), `${HOME_PREFIX}${process.pid}-`));
}

async function sweepKilledRuns(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(HOME_PREFIX)) continue;
    const owner = Number.parseInt(name.slice(HOME_PREFIX.length), 10);
    if (identifyProcess(owner) === undefined) await removeHome(join(tmpdir(), name));
  }
}

async function removeHome(home: string): Promise<void> {
  await endRecordedProcesses(home);
  removeOutsideData(openHome(home));
  rmSync(home, { recursive: true, force: true });
}

function say(line: string): void {
  console.error(line);
}
