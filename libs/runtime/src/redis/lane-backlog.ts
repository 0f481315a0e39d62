import { readFileSync } from "node:fs";
import type { ChainableCommander, Redis } from "ioredis";
import { redisUnavailable } from "./connect.ts";
import { deadEntriesKey, laneStreamKey } from "./keys.ts";

/** How much waits on a lane. */
export interface LaneBacklog {
  lane: number;
  entries: number;
  /** How long the oldest has waited, by Redis' clock; 0 where none waits. */
  oldestAgeMs: number;
  /** What was set aside, because no code could read it. */
  deadEntries: number;
}

const LUA = readFileSync(new URL("./lane-backlog.lua", import.meta.url), "utf8");

type Pipeline = ChainableCommander & { laneBacklog(stream: string, dead: string): Pipeline };

/** Looks at all lanes, in one round trip. */
export function createReadBacklogs(redis: Redis, laneCount: number): () => Promise<LaneBacklog[]> {
  redis.defineCommand("laneBacklog", { numberOfKeys: 2, lua: LUA });
  return async () => {
    const pipeline = redis.pipeline() as Pipeline;
    for (let lane = 0; lane < laneCount; lane++) {
      pipeline.laneBacklog(laneStreamKey(lane), deadEntriesKey(lane));
    }
    const answers = (await pipeline.exec().catch(rethrow)) ?? [];
    return answers.map(([error, answer], lane) => {
      if (error) throw redisUnavailable(error);
      const [entries = 0, oldestAgeMs = 0, deadEntries = 0] = answer as number[];
      return { lane, entries, oldestAgeMs, deadEntries };
    });
  };
}

function rethrow(error: unknown): never {
  throw redisUnavailable(error);
}
