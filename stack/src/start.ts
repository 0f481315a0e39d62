// `npm start`: starts all of Syncline on this machine, keeps it running, and stops it on Ctrl-C.
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { loadModule } from "@syncline/kit/process";
import { migrate } from "@syncline/store";
import { definePolicies } from "@syncline/shared/policies";
import { removeDevFile, devFilePath, writeDevFile } from "./dev-file.ts";
import type { DevFile } from "./dev-file.ts";
import { prepareRoles } from "./database-roles.ts";
import type { RoleUrls } from "./database-roles.ts";
import { createDevToken } from "./dev-token.ts";
import { findFreePorts, readPort, requireFreePort } from "./free-port.ts";
import { lockHome, openHome } from "./home.ts";
import type { HomeSettings } from "./home.ts";
import { requirePostgres } from "./given-postgres.ts";
import { requireRedis } from "./given-redis.ts";
import { prepareLocalPostgres } from "./local-postgres.ts";
import type { LocalStore, LocalStoreOptions } from "./local-postgres.ts";
import { prepareLocalRedis } from "./local-redis.ts";
import type { ManagedProcess, ProcessSpec } from "./managed-process.ts";
import { endRecordedProcesses } from "./process-records.ts";
import { REPOSITORY } from "./repository.ts";
import { describeServices, serviceUrl } from "./services.ts";
import { explainFailure, messageOf, StackError } from "./stack-error.ts";
import { Supervisor } from "./supervisor.ts";

const WORKERS_MAX = 64;
const CUT_SHORT_MS_MAX = 2_000;
/** The origins that may use the API unless CORS_ORIGINS names others: development servers use any port. */
const PAGES_OF_THIS_MACHINE = ["localhost", "127.0.0.1", "[::1]"]
  .flatMap((host) => [`http://${host}:*`, `https://${host}:*`])
  .join(",");

interface Options {
  readonly home: string;
  readonly workers: number;
  readonly ingestPort: number;
  readonly conflictPort: number;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
}

const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => interruption.abort());
process.stdout.on("error", () => undefined); // a closed terminal cannot show the rest

try {
  await main(readOptions(process.env, process.argv.slice(2)));
  process.exit(0);
} catch (error) {
  const explained = explainFailure(error);
  console.error(explained === undefined ? error : `\n${explained}`);
  process.exit(1);
}

async function main(options: Options): Promise<void> {
  const { home } = options;
  await requirePolicies(process.env["POLICIES"]);
  const settings = openHome(home);
  const unlock = lockHome(home);
  const report = { home, say, onRestart: () => announce() };
  const stores = new Supervisor(report);
  const services = new Supervisor(report);
  // However this process ends, it signals its child processes.
  process.once("exit", () => [services, stores].forEach((each) => each.abandon()));
  let announce = () => {};
  try {
    const up = bringUp(options, settings, stores, services);
    const done = await Promise.race([up, aborted(interruption.signal)]);
    if (done === undefined) {
      say("\nStopping before the start was complete.");
      await services.stop();
      await stores.stop();
      // The aborted start may still wait for a connection that does not answer.
      await Promise.race([up.catch(() => undefined), delay(CUT_SHORT_MS_MAX)]);
      return;
    }
    announce = () => writeDevFile(home, done());
    announce();
    printWelcome(done(), home);
    await aborted(interruption.signal);
    say("\nStopping: services first, then the stores.");
  } finally {
    // First, so that no file error keeps a process running.
    await services.stop();
    await stores.stop();
    removeDevFile(home);
    unlock();
  }
  say("Everything is stopped. The data stays for the next start.");
}

/** @returns a function that describes the running processes: process ids change with restarts */
async function bringUp(
  options: Options,
  settings: HomeSettings,
  stores: Supervisor,
  services: Supervisor,
): Promise<() => DevFile> {
  const { home, ingestPort, conflictPort } = options;
  removeDevFile(home);
  const ended = await endRecordedProcesses(home);
  if (ended.length > 0)
    say(`An earlier run was killed; its remaining processes were ended: ${ended.join(", ")}.`);
  await requireFreePort(ingestPort, "ingest", "INGEST_PORT");
  await requireFreePort(conflictPort, "conflict", "CONFLICT_PORT");

  const local = { home, settings, say, signal: interruption.signal };
  const [postgres, redis] = await Promise.all([
    openStore(options.databaseUrl, requirePostgres, prepareLocalPostgres, local, stores),
    openStore(options.redisUrl, requireRedis, prepareLocalRedis, local, stores),
  ]);
  const databaseUrls = await databaseUrlsOf(postgres);
  await migrateOrExplain(databaseUrls.syncline_migrate);

  const workerPorts = await findFreePorts(options.workers);
  const specs = describeServices({
    databaseUrls,
    redisUrl: redis.url,
    jwtSecret: settings.jwtSecret,
    ports: { ingests: [ingestPort], conflicts: [conflictPort], workers: workerPorts },
    env: { CORS_ORIGINS: process.env["CORS_ORIGINS"] || PAGES_OF_THIS_MACHINE },
  });
  const start = (processes: readonly ProcessSpec[]) =>
    Promise.all(processes.map((spec) => services.start(spec)));
  const [token, [ingest], [conflict], workers] = await Promise.all([
    createDevToken({ secret: settings.jwtSecret, workspaces: { [settings.workspaceId]: "admin" } }),
    start(specs.ingests),
    start(specs.conflicts),
    start(specs.workers),
  ]);
  const pid = (managed: ManagedProcess | undefined) => managed?.pid ?? null;
  return () => ({
    ingestUrl: serviceUrl(ingestPort),
    conflictUrl: serviceUrl(conflictPort),
    token,
    workspaceId: settings.workspaceId,
    databaseUrl: postgres.url,
    redisUrl: redis.url,
    pids: {
      supervisor: process.pid,
      postgres: pid(postgres.managed),
      redis: pid(redis.managed),
      ingest: pid(ingest),
      conflict: pid(conflict),
      workers: workers.map(pid),
    },
  });
}

/** Uses the store at the given URL, otherwise starts one of our own. */
async function openStore(
  givenUrl: string | undefined,
  requireGiven: (url: string) => Promise<string | undefined>,
  prepare: (options: LocalStoreOptions) => Promise<LocalStore>,
  local: LocalStoreOptions,
  stores: Supervisor,
): Promise<{ url: string; managed?: ManagedProcess }> {
  if (givenUrl !== undefined) {
    const warning = await requireGiven(givenUrl);
    if (warning !== undefined) say(warning);
    return { url: givenUrl };
  }
  const { url, spec } = await prepare(local);
  return { url, managed: await stores.start(spec) };
}

/**
 * Returns each role's URL: in a Postgres of our own every service has its role; a given Postgres is used with the given
 * URL.
 */
async function databaseUrlsOf({
  url,
  managed,
}: {
  url: string;
  managed?: ManagedProcess;
}): Promise<RoleUrls> {
  if (managed !== undefined) return prepareRoles(url);
  return { syncline_migrate: url, syncline_ingest: url, syncline_conflict: url, syncline_worker: url };
}

/** Checks the policies before any process starts: otherwise each service would exit with the same error. */
async function requirePolicies(path: string | undefined): Promise<void> {
  try {
    await loadModule("POLICIES", path || undefined, definePolicies);
  } catch (error) {
    throw new StackError(messageOf(error));
  }
}

async function migrateOrExplain(databaseUrl: string): Promise<void> {
  try {
    await migrate({ databaseUrl });
  } catch (error) {
    throw new StackError(
      `The database at ${new URL(databaseUrl).host} could not be migrated: ${messageOf(error)}`,
    );
  }
}

function readOptions(env: NodeJS.ProcessEnv, args: string[]): Options {
  const ingestPort = readPort(env, "INGEST_PORT", 3000);
  const conflictPort = readPort(env, "CONFLICT_PORT", 3001);
  if (ingestPort === conflictPort) {
    throw new StackError(`INGEST_PORT and CONFLICT_PORT are both ${ingestPort}: give them different ports.`);
  }
  return {
    home: resolve(REPOSITORY, env["SYNCLINE_HOME"] || ".syncline"),
    workers: readWorkers(args),
    ingestPort,
    conflictPort,
    databaseUrl: readUrl(env, "DATABASE_URL", /^postgres(ql)?:$/),
    redisUrl: readUrl(env, "REDIS_URL", /^rediss?:$/),
  };
}

function readUrl(env: NodeJS.ProcessEnv, variable: string, protocol: RegExp): string | undefined {
  const text = env[variable];
  if (text === undefined || text === "") return undefined;
  if (URL.canParse(text) && protocol.test(new URL(text).protocol)) return text;
  // The value is not shown, because it may contain a password.
  throw new StackError(
    `${variable} must be a URL that starts with ${protocol.source.replace(/\W|ql/g, "")}://.`,
  );
}

function readWorkers(args: string[]): number {
  let text: string;
  try {
    text = parseArgs({ args, options: { workers: { type: "string", default: "1" } } }).values.workers;
  } catch (error) {
    throw new StackError(`${messageOf(error)}\nusage: npm start -- [--workers N]`);
  }
  const workers = Number(text);
  if (Number.isInteger(workers) && workers >= 1 && workers <= WORKERS_MAX) return workers;
  throw new StackError(`--workers must be a whole number from 1 to ${WORKERS_MAX}, but is "${text}".`);
}

function printWelcome(dev: DevFile, home: string): void {
  const body = {
    workspace_id: dev.workspaceId,
    device_id: "dev_1",
    operations: [{ operation: "create", client_id: "op_1", document_id: "hello", data: { title: "Hello" } }],
  };
  say(`
Syncline is ready.

  ingest     ${dev.ingestUrl}
  conflict   ${dev.conflictUrl}
  workers    ${dev.pids.workers.length}
  Postgres   ${dev.databaseUrl}
  Redis      ${dev.redisUrl}
  workspace  ${dev.workspaceId}
  logs       ${join(home, "logs")}
  all this   ${devFilePath(home)}, for programs

A token for development, good for 30 days:

${dev.token}

Send a first document:

curl -sS ${dev.ingestUrl}/api/v1/documents/batch \\
  -H 'Authorization: Bearer ${dev.token}' \\
  -H 'Content-Type: application/json' \\
  -d '${JSON.stringify(body)}'

Ctrl-C stops everything.`);
}

function say(line: string): void {
  console.log(line);
}

async function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}
