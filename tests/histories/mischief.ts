import type { Faults } from "../faults/faults.ts";
import { armPoint, POINTS, type ArmedPoint } from "../faults/points.ts";

/** Points that only their own story reaches. */
const OF_ANOTHER_STORY = /^(replay: .*|worker: lock lost before a conflict is recorded)$/;

/** The crash points by their names. */
export const POINT_NAMES: readonly string[] = POINTS.map(({ name }) => name).filter(
  (name) => !OF_ANOTHER_STORY.test(name),
);

/** Injects faults while histories are played, and counts them. */
export interface Mischief {
  /** Arms a fault for the next process that reaches the point. Arming it again has no effect. */
  arm(name: string): Promise<void>;
  /** The number of faults at each point. */
  met: ReadonlyMap<string, number>;
  /** Disarms the remaining faults. */
  stop(): Promise<void>;
}

export function startMischief(faults: Faults): Mischief {
  const met = new Map<string, number>();
  const waiting = new Map<string, Promise<ArmedPoint>>();
  return {
    met,
    async arm(name) {
      const point = POINTS.find((one) => one.name === name);
      if (point === undefined) throw new Error(`Unknown crash point ${name}`);
      if (waiting.has(name)) return;
      const arming = armPoint(faults, point);
      waiting.set(name, arming);
      const armed = await arming;
      void armed.hit.then(() => {
        met.set(name, (met.get(name) ?? 0) + 1);
        waiting.delete(name);
        return armed.disarm();
      });
    },
    async stop() {
      for (const armed of waiting.values()) await (await armed).disarm();
    },
  };
}
