import { spawnSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { Redis } from "ioredis";
import { onDatabase } from "../database/on-database.ts";
import type { Stores } from "../database/stores.ts";
import { measureDiskSync } from "../measure/disk-sync.ts";

/** Describes the machine and the stores: absolute figures mean little without them. */
export async function describeEnvironment(stores: Stores): Promise<Record<string, string | number>> {
  const postgres = await onDatabase(stores.databaseServerUrl, async (client) => {
    const { rows } = await client.query<{ version: string }>(
      "SELECT current_setting('server_version') AS version",
    );
    return rows[0]?.version ?? "";
  });
  const redis = new Redis(stores.redisUrl);
  const info = await redis.info("server").finally(() => redis.disconnect());
  const processors = cpus();
  return {
    processor: processors[0]?.model ?? "unknown",
    cores: processors.length,
    "memory GB": Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    postgres,
    redis: /^(?:valkey|redis)_version:(.+)$/m.exec(info)?.[1]?.trim() ?? "unknown",
    "fdatasync of 8 kB, ms": Number(measureDiskSync(stores.home).toFixed(2)),
    commit: git("describe", "--always", "--dirty"),
  };
}

function git(...args: string[]): string {
  const { status, stdout } = spawnSync("git", args, { encoding: "utf8" });
  return status === 0 ? stdout.trim() : "unknown";
}
