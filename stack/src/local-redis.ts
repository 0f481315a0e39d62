import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { keepOrFindPort } from "./free-port.ts";
import { saveSettings, writePrivateText } from "./home.ts";
import type { LocalStore, LocalStoreOptions, StoreCertificate } from "./local-postgres.ts";
import type { ProcessSpec } from "./managed-process.ts";
import { findRedisServer } from "./redis-binary.ts";

const HOST = "127.0.0.1";

/** The settings that Syncline requires of any Redis, and `databases` for the tests, which use one each. */
export const REDIS_CONFIG: Readonly<Record<string, string>> = {
  appendonly: "yes",
  appendfsync: "always",
  "maxmemory-policy": "noeviction",
  save: "",
  databases: "256",
  hz: "100", // at the default of 10, delayed jobs on an idle server start up to 0.1 s late
};

/** Prepares a Redis of our own: data in the home folder, on 127.0.0.1 with a password, every write synced to disk. */
export async function prepareLocalRedis({
  home,
  settings,
  signal,
  certificate,
  say,
}: LocalStoreOptions): Promise<LocalStore> {
  const server = await findRedisServer(say, signal);
  settings.redisPort = await keepOrFindPort(settings.redisPort);
  saveSettings(home, settings);

  const folder = makeFolder(home, "redis");
  const config = {
    ...REDIS_CONFIG,
    bind: HOST,
    ...(certificate === undefined
      ? { port: String(settings.redisPort) }
      : { port: "0", "tls-port": String(settings.redisPort), ...writeCertificate(folder, certificate) }),
    requirepass: settings.redisPassword,
  };
  const address = certificate === undefined ? "redis://" : "rediss://";
  const host = certificate === undefined ? HOST : "localhost";
  const url = `${address}:${settings.redisPassword}@${host}:${settings.redisPort}/0`;
  return { url, spec: describeRedis({ name: "redis", server, folder, config, url }) };
}

/** Creates a private folder for a server's data. */
export function makeFolder(home: string, name: string): string {
  const folder = join(home, name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Describes a Redis process with its data in its own folder. */
export function describeRedis(redis: {
  name: string;
  server: string;
  folder: string;
  config: Readonly<Record<string, string>>;
  url: string;
}): ProcessSpec {
  const { name, server, folder, config, url } = redis;
  const configPath = join(folder, "redis.conf");
  // A file instead of arguments, which every user of the machine can read.
  const lines = Object.entries({ ...config, dir: folder }).map(
    ([variable, value]) => `${variable} ${JSON.stringify(value)}\n`,
  );
  writePrivateText(configPath, lines.join(""));
  return {
    name,
    command: server,
    args: [configPath],
    env: process.env,
    cwd: folder,
    stopSignals: ["SIGTERM", "SIGKILL"],
    whyNotReady: () => askRedis(url),
  };
}

function writeCertificate(folder: string, { cert, key }: StoreCertificate): Record<string, string> {
  const [certFile, keyFile] = [join(folder, "server.crt"), join(folder, "server.key")];
  writePrivateText(certFile, cert);
  writePrivateText(keyFile, key);
  return { "tls-cert-file": certFile, "tls-key-file": keyFile, "tls-auth-clients": "no" };
}

/** @returns the reason to wait, `undefined` once the Redis accepts commands */
async function askRedis(url: string): Promise<string | undefined> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, enableReadyCheck: false });
  redis.on("error", () => undefined); // the calls below reject with the same error
  try {
    await redis.connect();
    await redis.ping();
    return undefined;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (/WRONGPASS|NOAUTH/.test(message)) throw error;
    return message.startsWith("LOADING") ? "it reads its data" : "it does not answer yet";
  } finally {
    redis.disconnect();
  }
}
