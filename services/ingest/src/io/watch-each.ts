import type { Repeating } from "@syncline/kit/process";
import type { Shards } from "@syncline/lanes";
import { assertInvariant } from "@syncline/shared/protocol";

type Redis = Shards["connections"][number];

/** One watch for each Redis. */
export interface Watches<T> extends Repeating {
  /** Returns the watch of a lane's Redis. */
  ofLane: (lane: number) => T;
}

export async function watchEach<T extends Repeating>(
  { connections, ofLane }: Shards,
  watch: (redis: Redis) => Promise<T>,
): Promise<Watches<T>> {
  const watches = await Promise.all(connections.map(watch));
  const watchByRedis = new Map(watches.map((one, index) => [connections[index], one]));
  return {
    ofLane(lane) {
      const one = watchByRedis.get(ofLane(lane).redis);
      assertInvariant(one !== undefined, "a lane lies on no Redis");
      return one;
    },
    async stop() {
      await Promise.all(watches.map((one) => one.stop()));
    },
  };
}
