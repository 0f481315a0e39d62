import { Redis } from "ioredis";

export type CommandCounts = Readonly<Record<string, number>>;

/** Reads the number of runs of each command since the server started, including those inside scripts. */
export async function readRedisCommands(url: string): Promise<CommandCounts> {
  const redis = new Redis(url);
  try {
    const text = await redis.info("commandstats");
    return Object.fromEntries(
      [...text.matchAll(/^cmdstat_(.+?):calls=(\d+)/gm)].map(([, name = "", calls]) => [name, Number(calls)]),
    );
  } finally {
    redis.disconnect();
  }
}
