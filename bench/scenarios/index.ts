import type { Scenario } from "../scenario.ts";
import { alternatives } from "./alternatives.ts";
import { alone } from "./alone.ts";
import { accepted } from "./accepted.ts";
import { aged } from "./aged.ts";
import { burst } from "./burst.ts";
import { cost } from "./cost.ts";
import { growth } from "./growth.ts";
import { idle } from "./idle.ts";
import { latency } from "./latency.ts";
import { matrix } from "./matrix.ts";
import { soak } from "./soak.ts";
import { telemetry } from "./telemetry.ts";
import { throughput } from "./throughput.ts";
import { workers } from "./workers.ts";

/** The scenarios, first those of the goals table in its order. */
export const SCENARIOS: readonly Scenario[] = [
  throughput({ operations: 100, connections: 16 }, { firstBar: 0.65, goal: 0.8 }),
  throughput({ operations: 1, connections: 64 }, { firstBar: 1, goal: 1.5, isShort: true }),
  alternatives(
    { operations: 100, connections: 16 },
    [
      "(a) operation by operation",
      "(b) one request an operation",
      "(c) plpgsql loop",
      "(e) pg-boss",
      "(e) Graphile Worker",
      "handler without a queue",
    ],
    [
      {
        what: "against (a) operation by operation, 100 × 16",
        names: ["(a) operation by operation"],
        firstBar: 4,
        goal: 5,
      },
      {
        what: "against (b) one request an operation, 16 connections",
        names: ["(b) one request an operation"],
        firstBar: 15,
        goal: 20,
      },
      {
        what: "against (e) a queue in Postgres, 100 × 16",
        names: ["(e) pg-boss", "(e) Graphile Worker"],
        firstBar: 1.3,
        goal: 1.6,
      },
    ],
  ),
  alternatives(
    { operations: 50, connections: 16 },
    ["(d) Parse Server"],
    [{ what: "against (d) Parse Server, 50 × 16", names: ["(d) Parse Server"], firstBar: 8, goal: 10 }],
  ),
  alone(1, { firstBar: 5, goal: 3 }),
  alone(100, { firstBar: 2, goal: 1.6 }),
  accepted,
  aged,
  workers,
  burst,
  idle,
  soak,
  telemetry({ operations: 100, connections: 16 }),
  telemetry({ operations: 1, connections: 64 }),
  latency({ operations: 100, connections: 16 }),
  latency({ operations: 1, connections: 64 }),
  cost,
  matrix,
  growth,
];
