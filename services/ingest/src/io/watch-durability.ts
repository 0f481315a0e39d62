import { durabilityFaults, repeat, type Logger } from "@syncline/runtime";

type Redis = Parameters<typeof durabilityFaults>[0];

/** Knows whether Redis keeps what it is given, as far as one can know. */
export interface DurabilityWatch {
  /** Why not; empty where it does. */
  faults: () => readonly string[];
  /** When it may be another way. */
  retryAfterSeconds: () => number;
  stop(): Promise<void>;
}

const LOOK_INTERVAL_MS = 15_000;
/** For a person to set Redis up. */
const MEND_SECONDS = 30;

/** Looks now, and again and again: the Redis that answers next may be another one, set up in another way. */
export async function watchDurability(redis: Redis, log: Logger): Promise<DurabilityWatch> {
  let faults: readonly string[] = [];
  let isKnown = true;

  async function look(): Promise<void> {
    faults = await durabilityFaults(redis);
    isKnown = true;
    if (faults.length > 0) {
      log.warn({ faults }, "this Redis may lose what it was given, so nothing is answered 202");
    }
  }

  redis.on("close", () => {
    faults = ["Redis was away, and its settings have not been read since"];
    isKnown = false;
  });
  redis.on("ready", () => {
    look().catch((error: unknown) => log.warn({ err: error }, "the settings of Redis could not be read"));
  });
  await look();
  const looking = repeat("the look at Redis's settings", look, { intervalMs: LOOK_INTERVAL_MS, log });
  return {
    faults: () => faults,
    retryAfterSeconds: () => (isKnown ? MEND_SECONDS : 1),
    stop: () => looking.stop(),
  };
}
