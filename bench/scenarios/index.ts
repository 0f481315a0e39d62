import type { Scenario } from "../scenario.ts";
import { alone } from "./alone.ts";
import { throughput } from "./throughput.ts";

/** In the order of the goal's table. */
export const SCENARIOS: readonly Scenario[] = [
  throughput({ operations: 100, connections: 16 }, { firstBar: 0.65, goal: 0.8 }),
  throughput({ operations: 1, connections: 64 }, { firstBar: 1, goal: 1.5 }),
  alone(1, { firstBar: 5, goal: 3 }),
  alone(100, { firstBar: 2, goal: 1.6 }),
];
