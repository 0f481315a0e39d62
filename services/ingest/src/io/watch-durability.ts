import { repeat } from "@syncline/kit/process";
import type { Logger } from "@syncline/kit/telemetry";
import { durabilityFaults } from "@syncline/lanes";

type Redis = Parameters<typeof durabilityFaults>[0];

/** Tracks whether Redis is set up to keep written data. */
export interface DurabilityWatch {
  /** Returns the settings that may lose data; empty if there are none. */
  faults: () => readonly string[];
  /** Returns the time after which the faults may be fixed. */
  retryAfterSeconds: () => number;
  stop(): Promise<void>;
}

const LOOK_INTERVAL_MS = 15_000;
/** Time for a person to configure Redis. */
const MEND_SECONDS = 30;

/** Checks immediately, then every 15 s: after a reconnect the server may be another Redis with other settings. */
export async function watchDurability(redis: Redis, log: Logger): Promise<DurabilityWatch> {
  let faults: readonly string[] = [];
  let isKnown = true;

  async function look(): Promise<void> {
    faults = await durabilityFaults(redis);
    isKnown = true;
    if (faults.length > 0) {
      log.warn({ faults }, "Redis may lose accepted batches, so none is answered 202; fix its settings");
    }
  }

  redis.on("close", () => {
    faults = ["the connection to Redis was lost, and its settings have not been read since"];
    isKnown = false;
  });
  redis.on("ready", () => {
    look().catch((error: unknown) => log.warn({ err: error }, "reading the settings of Redis failed"));
  });
  await look();
  const looking = repeat("the check of Redis's settings", look, { intervalMs: LOOK_INTERVAL_MS, log });
  return {
    faults: () => faults,
    retryAfterSeconds: () => (isKnown ? MEND_SECONDS : 1),
    stop: () => looking.stop(),
  };
}
