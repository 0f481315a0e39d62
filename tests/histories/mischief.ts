import type { Faults } from "../faults/faults.ts";
import { armPoint, POINTS, type ArmedPoint } from "../faults/points.ts";

/** They wait for what only their own story sends. */
const OF_ANOTHER_STORY = /^(replay: .*|worker: lock lost before a conflict is recorded)$/;

/** The crash points by their names. */
export const POINT_NAMES: readonly string[] = POINTS.map(({ name }) => name).filter(
  (name) => !OF_ANOTHER_STORY.test(name),
);

/** Lets things go wrong while histories are played, and counts how often they did. */
export interface Mischief {
  /** Has something go wrong at a point the next time that any process comes there. One that lies in wait stays. */
  arm(name: string): Promise<void>;
  /** How often each point was met. */
  met: ReadonlyMap<string, number>;
  /** Takes back what was not met. */
  stop(): Promise<void>;
}

export function startMischief(faults: Faults): Mischief {
  const met = new Map<string, number>();
  const waiting = new Map<string, Promise<ArmedPoint>>();
  return {
    met,
    async arm(name) {
      const point = POINTS.find((one) => one.name === name);
      if (point === undefined) throw new Error(`There is no crash point called ${name}`);
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
