import { Client } from "pg";
import { messageOf, StackError } from "./stack-error.ts";

const CONNECT_MS_MAX = 20_000;
const VERSION_MIN = 15;

/** Facts about a server that decide if Syncline can use it. */
export interface ServerFacts {
  readonly version: string;
  readonly version_number: number;
  readonly encoding: string;
  readonly is_standby: boolean;
  readonly may_create: boolean;
}

const READ_FACTS = `
  SELECT current_setting('server_version') AS version,
         current_setting('server_version_num')::int AS version_number,
         current_setting('server_encoding') AS encoding,
         pg_is_in_recovery() AS is_standby,
         has_schema_privilege(current_user, 'public', 'CREATE')
           OR to_regclass('public.schema_migrations') IS NOT NULL AS may_create`;

/**
 * Checks the Postgres that `DATABASE_URL` names.
 *
 * @throws {@link StackError} with the problem, its location and a remedy
 */
export async function requirePostgres(databaseUrl: string): Promise<undefined> {
  const obstacle = findObstacle(databaseUrl, await readFacts(databaseUrl));
  if (obstacle !== undefined) throw new StackError(obstacle);
}

/** Returns the reason if Syncline cannot use a server. */
export function findObstacle(databaseUrl: string, facts: ServerFacts): string | undefined {
  const { host, user, database } = partsOf(databaseUrl);
  if (facts.version_number < VERSION_MIN * 10_000) {
    return `Postgres at ${host} is version ${facts.version}, and Syncline needs ${VERSION_MIN} or newer: upgrade it, or unset DATABASE_URL.`;
  }
  if (facts.is_standby) {
    return `Postgres at ${host} is a standby, which takes no writes: name the primary in DATABASE_URL.`;
  }
  if (facts.encoding !== "UTF8") {
    return `The database ${database} at ${host} is encoded in ${facts.encoding}, and Syncline needs UTF8: create one with ENCODING 'UTF8' TEMPLATE template0, and name it in DATABASE_URL.`;
  }
  if (!facts.may_create) {
    return `The user ${user} may not create tables in the database ${database} at ${host}: GRANT CREATE ON SCHEMA public TO "${user}", or name the owner in DATABASE_URL.`;
  }
  return undefined;
}

async function readFacts(databaseUrl: string): Promise<ServerFacts> {
  let client: Client | undefined;
  try {
    client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: CONNECT_MS_MAX });
    client.on("error", () => undefined); // a connection lost here fails the query below
    await client.connect();
    const { rows } = await client.query<ServerFacts>(READ_FACTS);
    const [facts] = rows;
    if (facts === undefined) throw new Error("it did not say its version");
    return facts;
  } catch (error) {
    throw new StackError(explainPostgres(databaseUrl, error));
  } finally {
    await client?.end().catch(() => undefined); // it was never connected
  }
}

/** Explains a failed connection: its cause, its address and a remedy. Never shows the password. */
function explainPostgres(databaseUrl: string, error: unknown): string {
  const { host, hostname, user, database } = partsOf(databaseUrl);
  const code = codeOf(error);
  const message = messageOf(error);
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: `No Postgres answers at ${host}: start it, correct DATABASE_URL, or unset it.`,
    ENOTFOUND: `The host ${hostname} of DATABASE_URL is not known: correct its name.`,
    EAI_AGAIN: `The host ${hostname} of DATABASE_URL could not be looked up: check the name and the network.`,
    EHOSTUNREACH: `The host ${hostname} of DATABASE_URL cannot be reached: check the address and the network.`,
    ENETUNREACH: `The host ${hostname} of DATABASE_URL cannot be reached: check the address and the network.`,
    ETIMEDOUT: `Postgres at ${host} does not answer: check the address of DATABASE_URL, and firewalls on the way.`,
    "28P01": `Postgres at ${host} rejects the password of the user ${user}: correct it in DATABASE_URL.`,
    "28000": `Postgres at ${host} does not let the user ${user} in (${message}): correct DATABASE_URL, or the server's pg_hba.conf.`,
    "3D000": `Postgres at ${host} has no database ${database}: create it (CREATE DATABASE "${database}"), or correct DATABASE_URL.`,
    "53300": `Postgres at ${host} has no connection left: raise its max_connections, or end other programs.`,
    "57P03": `Postgres at ${host} is starting up or shutting down: try again when it takes connections.`,
    "42501": `The user ${user} lacks a right in the database ${database} at ${host} (${message}): grant it.`,
  };
  const explained = known[code];
  if (explained !== undefined) return explained;
  if (/client password must be a string|no password/i.test(message)) {
    return `Postgres at ${host} demands a password, and DATABASE_URL has none for the user ${user}: add it.`;
  }
  if (/does not support SSL/i.test(message)) {
    return `Postgres at ${host} offers no TLS, which sslmode in DATABASE_URL demands: turn TLS on there, or remove sslmode.`;
  }
  if (isOfCertificate(code)) {
    return `The certificate of Postgres at ${host} is not accepted (${message}): name its authority in NODE_EXTRA_CA_CERTS, or correct the host in DATABASE_URL.`;
  }
  if (/timeout/i.test(message)) return known["ETIMEDOUT"] ?? message;
  return `Postgres at ${host} cannot be used (${message}): correct DATABASE_URL, or unset it.`;
}

/** True if a TLS error concerns the server's certificate. */
export function isOfCertificate(code: string): boolean {
  return /CERT|SIGNATURE|ISSUER/.test(code);
}

/**
 * The error code of the system, Postgres or Redis. For several attempts, such as to ::1 and 127.0.0.1, that of the
 * first.
 */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function partsOf(databaseUrl: string): { host: string; hostname: string; user: string; database: string } {
  const { host, hostname, username, pathname } = new URL(databaseUrl);
  const user = decodeURIComponent(username) || "(none)";
  return { host, hostname, user, database: decodeURIComponent(pathname.slice(1)) || user };
}
