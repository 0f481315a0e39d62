import { readFileSync } from "node:fs";
import type { ChainableCommander } from "ioredis";
import { toRedisError } from "./redis-error.ts";
import type { Shard } from "./shards.ts";

/** The backlog of a lane. */
export interface LaneBacklog {
  lane: number;
  entries: number;
  /** The age of the oldest entry by Redis' clock; 0 if there is none. */
  oldestAgeMs: number;
  /** The number of dead-lettered entries. */
  deadLetters: number;
  /** The number of workspaces that cannot be committed at the moment and do not block the lane. */
  deferredWorkspaces: number;
  /** The age of their oldest entry; 0 if there is none. */
  deferredAgeMs: number;
}

const LUA = readFileSync(new URL("./lane-backlog.lua", import.meta.url), "utf8");

type Pipeline = ChainableCommander & {
  laneBacklog(stream: string, dead: string, deferred: string, deferredPrefix: string): Pipeline;
};

/** Reads the backlog of all lanes of a shard in one round trip. */
export function createReadBacklogs(
  { redis, keys }: Pick<Shard, "redis" | "keys">,
  lanes: readonly number[],
): () => Promise<LaneBacklog[]> {
  redis.defineCommand("laneBacklog", { numberOfKeys: 3, lua: LUA });
  return async () => {
    const pipeline = redis.pipeline() as Pipeline;
    for (const lane of lanes) {
      const ofLane = [keys.laneStream(lane), keys.deadLetters(lane), keys.deferredWorkspaces(lane)] as const;
      pipeline.laneBacklog(...ofLane, keys.deferredStream(lane));
    }
    const answers = (await pipeline.exec().catch(rethrow)) ?? [];
    return answers.map(([error, answer], index) => {
      if (error) throw toRedisError(error);
      const [entries = 0, oldestAgeMs = 0, deadLetters = 0, deferredWorkspaces = 0, deferredAgeMs = 0] =
        answer as number[];
      return {
        lane: lanes[index] ?? -1,
        entries,
        oldestAgeMs,
        deadLetters,
        deferredWorkspaces,
        deferredAgeMs,
      };
    });
  };
}

function rethrow(error: unknown): never {
  throw toRedisError(error);
}
