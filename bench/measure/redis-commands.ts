import { Redis } from "ioredis";

export type CommandCounts = Readonly<Record<string, number>>;

/** How often each command was run since the server started, those inside scripts included. */
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
