import { durabilityFaults } from "@syncline/lanes";
import { Redis } from "ioredis";
import { codeOf, isOfCertificate } from "./given-postgres.ts";
import { messageOf, StackError } from "./stack-error.ts";

const CONNECT_MS_MAX = 20_000;
const VERSION_MIN = 7;

/**
 * Checks the Redis that `REDIS_URL` names.
 *
 * @returns a warning if the Redis works but may lose data
 * @throws {@link StackError} with the problem, its location and a remedy
 */
export async function requireRedis(redisUrl: string): Promise<string | undefined> {
  const { host, pathname } = new URL(redisUrl);
  let lost: Error | undefined;
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    retryStrategy: () => null,
    enableReadyCheck: false,
    connectTimeout: CONNECT_MS_MAX,
    commandTimeout: CONNECT_MS_MAX,
    maxRetriesPerRequest: 0,
  });
  redis.on("error", (error: Error) => (lost ??= error)); // the reason; the calls below only report a closed connection
  try {
    await redis.connect();
    // Without this the client would silently use database 0.
    await redis.select(Number(pathname.slice(1) || 0));
    requireUsable(host, await redis.info());
    const faults = await durabilityFaults(redis);
    if (faults.length === 0) return undefined;
    return (
      `Redis at ${host} may lose accepted writes, so no batch is answered 202: ${faults.join("; ")}. ` +
      "Configure it with --appendonly yes --appendfsync always --maxmemory-policy noeviction, or unset REDIS_URL."
    );
  } catch (error) {
    if (error instanceof StackError) throw error;
    throw new StackError(explainRedis(redisUrl, lost ?? error));
  } finally {
    redis.disconnect();
  }
}

function requireUsable(host: string, info: string): void {
  const facts = new Map(
    info.split(/\r?\n/).map((line): [string, string] => {
      const [name = "", value = ""] = line.split(":", 2);
      return [name, value];
    }),
  );
  const version = facts.get("redis_version") ?? "";
  if (Number.parseInt(version, 10) < VERSION_MIN) {
    throw new StackError(
      `Redis at ${host} is version ${version}, and Syncline needs ${VERSION_MIN} or newer, or Valkey: upgrade it, or unset REDIS_URL.`,
    );
  }
  if (facts.get("redis_mode") === "cluster" && process.env["REDIS_CLUSTER"] !== "true") {
    throw new StackError(
      `Redis at ${host} is a node of a cluster: set REDIS_CLUSTER=true, or unset REDIS_URL.`,
    );
  }
  if (facts.get("role") === "slave") {
    throw new StackError(
      `Redis at ${host} is a replica, which takes no writes: name its master in REDIS_URL.`,
    );
  }
}

/** Explains a failed connection or command: its cause, its address and a remedy. Never shows the password. */
function explainRedis(redisUrl: string, error: unknown): string {
  const { host, hostname, protocol } = new URL(redisUrl);
  const code = codeOf(error);
  const message = messageOf(error);
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: `No Redis answers at ${host}: start it, correct REDIS_URL, or unset it.`,
    ENOTFOUND: `The host ${hostname} of REDIS_URL is not known: correct its name.`,
    EAI_AGAIN: `The host ${hostname} of REDIS_URL could not be looked up: check the name and the network.`,
    EHOSTUNREACH: `The host ${hostname} of REDIS_URL cannot be reached: check the address and the network.`,
    ENETUNREACH: `The host ${hostname} of REDIS_URL cannot be reached: check the address and the network.`,
    ETIMEDOUT: `Redis at ${host} does not answer: check the address of REDIS_URL, and firewalls on the way.`,
  };
  const explained = known[code];
  if (explained !== undefined && !(protocol === "rediss:" && code === "ETIMEDOUT")) return explained;
  if (/WRONGPASS|invalid password/.test(message)) {
    return `Redis at ${host} rejects the user or password of REDIS_URL: correct them.`;
  }
  if (/NOAUTH/.test(message)) {
    return `Redis at ${host} demands a password, and REDIS_URL has none: write it as redis://:password@host.`;
  }
  if (/NOPERM/.test(message)) {
    return `Redis at ${host} does not let this user run a command that Syncline needs (${message}): extend the user's ACL.`;
  }
  if (/DB index/.test(message)) {
    return `Redis at ${host} has no database with the number at the end of REDIS_URL: choose one below its databases setting.`;
  }
  if (/LOADING/.test(message)) return `Redis at ${host} is still reading its data: try again when it has.`;
  if (isOfCertificate(code)) {
    return `The certificate of Redis at ${host} is not accepted (${message}): name its authority in NODE_EXTRA_CA_CERTS, or correct the host in REDIS_URL.`;
  }
  const isTimeout = /timed? ?out|ETIMEDOUT/i.test(message);
  // A Redis without TLS treats the TLS handshake as an incomplete command and waits for the rest.
  if (protocol === "rediss:" && (isTimeout || /EPROTO|ECONNRESET|SSL|TLS/i.test(`${code} ${message}`))) {
    return `Redis at ${host} does not answer with TLS, which rediss:// in REDIS_URL demands: write redis:// if it offers none, or turn TLS on there.`;
  }
  if (isTimeout) return known["ETIMEDOUT"] ?? message;
  return `The server at ${host} cannot be used as Redis (${message}): correct REDIS_URL, or unset it.`;
}
