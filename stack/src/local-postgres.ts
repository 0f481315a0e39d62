import { execFile } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { keepOrFindPort } from "./free-port.ts";
import { saveSettings } from "./home.ts";
import type { HomeSettings } from "./home.ts";
import type { ProcessSpec } from "./managed-process.ts";
import { makeOpenFolder, OPEN_FOLDER, preparePostgresBinaries, versionOf } from "./postgres-binaries.ts";
import { readCommandLine } from "./process-records.ts";
import { messageOf, StackError } from "./stack-error.ts";
import { canUserReach, findUnprivilegedUser, requireNamedUser } from "./unprivileged-user.ts";
import type { SystemUser } from "./unprivileged-user.ts";

const SUPERUSER = "syncline";
/** Postgres' builtin sort order and case rules, the same on every system. The official image gets them, too. */
export const INITDB_LOCALE = [
  "--encoding=UTF8",
  "--locale=C",
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
] as const;
const CONNECT_MS_MAX = 20_000;
/** The tests start many services, each with a pool. */
export const POSTGRES_CONNECTIONS_MAX = 300;

/** A certificate for `localhost` and its key, in PEM. */
export interface StoreCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface LocalStoreOptions {
  readonly home: string;
  readonly settings: HomeSettings;
  /** Aborts the preparation. */
  readonly signal?: AbortSignal | undefined;
  /** Accepts connections with TLS only, at `localhost`; clients must already trust the certificate. */
  readonly certificate?: StoreCertificate | undefined;
  readonly say: (line: string) => void;
}

/** A store's program, ready to be started, and its URL. */
export interface LocalStore {
  readonly url: string;
  readonly spec: ProcessSpec;
}

/**
 * Prepares a Postgres of our own from npm's binaries, on 127.0.0.1 with a password and without a socket file. Its data
 * is in the home folder, or elsewhere if its user has no access there.
 */
export async function prepareLocalPostgres(options: LocalStoreOptions): Promise<LocalStore> {
  const { home, settings, say } = options;
  const user = findUnprivilegedUser(process.env, join(home, "postgres"));
  const binaries = preparePostgresBinaries(user, say);
  const dataFolder = placeDataFolder(options, user);
  if (existsSync(join(dataFolder, "PG_VERSION"))) {
    requireSameMajor(dataFolder, binaries);
    clearStaleLock(dataFolder);
  } else {
    if (user === undefined) requireNamedUser();
    await createCluster(options, binaries, dataFolder, user);
  }
  if (options.certificate !== undefined) demandTls(dataFolder, options.certificate, user);
  settings.postgresPort = await keepOrFindPort(settings.postgresPort);
  saveSettings(home, settings);

  const port = settings.postgresPort;
  const isTls = options.certificate !== undefined;
  const url = (database: string) =>
    `postgres://${SUPERUSER}:${settings.postgresPassword}@${isTls ? "localhost" : "127.0.0.1"}:${port}/${database}${isTls ? "?sslmode=verify-full" : ""}`;
  const config = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: POSTGRES_CONNECTIONS_MAX,
    ssl: isTls ? "on" : "off",
  };
  return {
    url: url("syncline"),
    spec: {
      name: "postgres",
      command: join(binaries, "postgres"),
      args: [
        "-D",
        dataFolder,
        ...Object.entries(config).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      env: postgresEnv(),
      cwd: "/",
      user,
      stopSignals: ["SIGINT", "SIGQUIT"], // fast, then immediate shutdown: both keep the data intact
      whyNotReady: () => createDatabase(url("postgres"), "syncline"),
    },
  };
}

/** Installs the certificate and rejects connections without TLS. */
function demandTls(dataFolder: string, { cert, key }: StoreCertificate, user: SystemUser | undefined): void {
  const contentByFile = {
    "server.crt": cert,
    "server.key": key,
    "pg_hba.conf": "hostssl all all all scram-sha-256\n",
  };
  for (const [file, content] of Object.entries(contentByFile)) {
    const path = join(dataFolder, file);
    writeFileSync(path, content, { mode: 0o600 });
    if (user !== undefined) chownSync(path, user.uid, user.gid);
  }
}

/** Removes the data that a home keeps outside its folder. */
export function removeOutsideData(settings: HomeSettings): void {
  rmSync(outsideFolder(settings), { recursive: true, force: true });
}

function outsideFolder(settings: HomeSettings): string {
  return join(OPEN_FOLDER, settings.workspaceId);
}

function placeDataFolder({ home, settings, say }: LocalStoreOptions, user: SystemUser | undefined): string {
  const inside = join(home, "postgres");
  if (user === undefined || (existsSync(inside) && canUserReach(user, inside))) return inside;
  const outside = join(outsideFolder(settings), "postgres");
  if (!existsSync(outside)) {
    if (canUserReach(user, home)) return inside;
    makeOpenFolder();
    mkdirSync(dirname(outside), { recursive: true });
    chmodSync(dirname(outside), 0o755);
  }
  say(`Postgres runs as another user, who has no access to ${home}: its data is in ${outside}.`);
  return outside;
}

/** Creates the data folder. It is renamed once complete, so an interrupted initdb leaves no partial folder. */
async function createCluster(
  { settings, signal }: LocalStoreOptions,
  binaries: string,
  dataFolder: string,
  user: SystemUser | undefined,
): Promise<void> {
  const draft = `${dataFolder}.new`;
  const passwordFile = `${dataFolder}.password`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, settings.postgresPassword, { mode: 0o600 });
  if (user !== undefined) for (const path of [draft, passwordFile]) chownSync(path, user.uid, user.gid);
  const auth = ["--username", SUPERUSER, "--auth", "scram-sha-256", "--pwfile", passwordFile];
  try {
    await promisify(execFile)(join(binaries, "initdb"), ["-D", draft, ...auth, ...INITDB_LOCALE], {
      cwd: "/",
      env: postgresEnv(),
      ...(signal && { signal }),
      ...user,
    });
  } catch (error) {
    throw new StackError(
      `The database folder ${dataFolder} could not be created: ${reasonOfInitdb(error)}. ` +
        "Fix that, set SYNCLINE_HOME to another folder, or set DATABASE_URL to a running Postgres.",
    );
  } finally {
    rmSync(passwordFile);
  }
  renameSync(draft, dataFolder);
}

/** The line in which initdb reports its failure. */
function reasonOfInitdb(error: unknown): string {
  const stderr = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
  const said = /(?:initdb: error|FATAL|PANIC): +(.*)/.exec(stderr)?.[1];
  return said ?? messageOf(error).trim().split("\n").at(-1) ?? "initdb failed";
}

/** Rejects a data folder of another major version, which this Postgres cannot read. */
function requireSameMajor(dataFolder: string, binaries: string): void {
  const made = readFileSync(join(dataFolder, "PG_VERSION"), "utf8").trim();
  const [ours] = versionOf(join(binaries, "postgres")).split(".");
  if (made === ours) return;
  throw new StackError(
    `The data in ${dataFolder} belongs to Postgres ${made}, but the programs here are Postgres ${ours}: move the folder away, ` +
      "set SYNCLINE_HOME to another one, or transfer the data with pg_dump and a Postgres " +
      `${made}.`,
  );
}

/**
 * Removes a stale lock file. Postgres does not start while the process that its lock file names is alive. After a crash
 * another process may have that id; a server's command line names its data folder.
 */
function clearStaleLock(dataFolder: string): void {
  const lock = join(dataFolder, "postmaster.pid");
  if (!existsSync(lock)) return;
  const pid = Number.parseInt(readFileSync(lock, "utf8"), 10);
  if (!readCommandLine(pid).includes(dataFolder)) {
    rmSync(lock);
    return;
  }
  throw new StackError(
    `A Postgres that was not started from here (process ${pid}) uses ${dataFolder}: stop it first.`,
  );
}

/** @returns the reason to wait, `undefined` once the server accepts connections and has the database */
async function createDatabase(serverUrl: string, name: string): Promise<string | undefined> {
  const client = new Client({ connectionString: serverUrl, connectionTimeoutMillis: CONNECT_MS_MAX });
  client.on("error", () => undefined); // a connection lost here fails the query or the end below
  try {
    await client.connect();
    const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1", [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE "${name}"`);
    return undefined;
  } catch (error) {
    const obstacle = startUpObstacle(error);
    if (obstacle === undefined) throw error;
    return obstacle;
  } finally {
    await client.end();
  }
}

function startUpObstacle(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = "code" in error ? error.code : undefined;
  if (code === "57P03") return `it says: ${error.message}`; // starting up, or in recovery after a crash
  if (code === "ECONNREFUSED" || code === "ECONNRESET") return "it does not listen yet";
  return /timeout|terminated/.test(error.message) ? "it does not answer yet" : undefined;
}

/** A minimal environment: PG* variables would change the programs' behaviour. */
function postgresEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env["PATH"], LC_ALL: "C" };
}
