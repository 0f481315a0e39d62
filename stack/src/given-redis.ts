import { durabilityFaults } from "@syncline/runtime";
import { Redis } from "ioredis";
import { codeOf, isOfCertificate } from "./given-postgres.ts";
import { messageOf, StackError } from "./stack-error.ts";

const CONNECT_MS_MAX = 20_000;
const VERSION_MIN = 7;

/**
 * Checks a Redis that `REDIS_URL` names.
 *
 * @returns a warning about a Redis that works but may lose what it was given
 * @throws {@link StackError} that says what is wrong, where, and what to do
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
  redis.on("error", (error: Error) => (lost ??= error)); // the reason; the calls below only say that it is closed
  try {
    await redis.connect();
    // The client would go on in database 0, and tell nobody.
    await redis.select(Number(pathname.slice(1) || 0));
    requireUsable(host, await redis.info());
    const faults = await durabilityFaults(redis);
    if (faults.length === 0) return undefined;
    return (
      `Redis at ${host} may lose what it was given, so nothing is answered 202: ${faults.join("; ")}. ` +
      "Set it up with --appendonly yes --appendfsync always --maxmemory-policy noeviction, or unset REDIS_URL."
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

/** Says what a failed connection or command means, where it was tried, and what to do. Never shows the password. */
export function explainRedis(redisUrl: string, error: unknown): string {
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
    return `Redis at ${host} has no database of the number that REDIS_URL ends in: choose one below its databases setting.`;
  }
  if (/LOADING/.test(message)) return `Redis at ${host} is still reading its data: try again when it has.`;
  if (isOfCertificate(code)) {
    return `The certificate of Redis at ${host} is not accepted (${message}): name its authority in NODE_EXTRA_CA_CERTS, or correct the host in REDIS_URL.`;
  }
  const isTimeout = /timed? ?out|ETIMEDOUT/i.test(message);
  // A Redis without TLS takes the greeting for a command that is not whole yet, and waits for the rest.
  if (protocol === "rediss:" && (isTimeout || /EPROTO|ECONNRESET|SSL|TLS/i.test(`${code} ${message}`))) {
    return `Redis at ${host} does not answer with TLS, which rediss:// in REDIS_URL demands: write redis:// if it offers none, or turn TLS on there.`;
  }
  if (isTimeout) return known["ETIMEDOUT"] ?? message;
  return `What answers at ${host} cannot be used as Redis (${message}): correct REDIS_URL, or unset it.`;
}
