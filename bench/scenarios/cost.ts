import { describeShape, type Shape } from "../load/shape.ts";
import { createTokens, startSystem } from "../contenders/syncline.ts";
import { LoadProcess } from "../load/load-process.ts";
import { subtract } from "../measure/process-cpu.ts";
import { readRedisCommands } from "../measure/redis-commands.ts";
import { startProxy } from "../proxy/start-proxy.ts";
import { round } from "../report/tables.ts";
import type { Scenario, Table } from "../scenario.ts";
import type { BatchApiOwn } from "../targets/batch-api.ts";
import { GROUND } from "../workload/documents.ts";

const SHAPES: readonly Shape[] = [
  { operations: 1, connections: 1 },
  { operations: 100, connections: 1 },
  { operations: 1, connections: 64 },
  { operations: 100, connections: 16 },
];
/** Long compared with the time in which a process sends the next statement of the same round trip. */
const ROUND_TRIP_MS = 2;

interface Cost {
  readonly shape: Shape;
  readonly requests: number;
  readonly roundTrips: number;
  readonly commands: Readonly<Record<string, number>>;
}

/** The number of Redis commands and Postgres round trips of a batch. */
export const cost: Scenario = {
  name: "cost",
  title: "Redis commands and Postgres round trips a batch",
  quick: false,
  async run({ stores, rounds }) {
    const costs: Cost[] = [];
    for (const shape of SHAPES) {
      const databaseUrl = await stores.createSeededDatabase();
      const proxy = await startProxy({ targetUrl: databaseUrl, roundTripMs: ROUND_TRIP_MS });
      const system = await startSystem(stores, proxy.url, {});
      const load = await LoadProcess.start({
        target: "batch-api",
        url: system.ingestUrl,
        own: {
          path: "/api/v1/documents/batch",
          tokens: await createTokens(system, GROUND, shape),
          status: 200,
        } satisfies BatchApiOwn,
        shape,
        ground: GROUND,
        work: "mixed",
        seed: 1,
      });
      try {
        await load.runClosed(rounds.warmUpMs);
        const before = await readRedisCommands(stores.redisUrl);
        const { roundTrips } = await proxy.readCounts();
        const { requests } = await load.runClosed(rounds.roundMs);
        const after = await proxy.readCounts();
        const commands = subtract(await readRedisCommands(stores.redisUrl), before);
        costs.push({ shape, requests, roundTrips: after.roundTrips - roundTrips, commands });
      } finally {
        await load.stop();
        await system.stop();
        await proxy.stop();
      }
    }
    return { tables: [tabulate(costs)] };
  },
};

function tabulate(costs: readonly Cost[]): Table {
  const names = new Set(costs.flatMap(({ commands }) => Object.keys(commands)));
  names.delete("info");
  const a = ({ requests }: Cost, count: number) => round(count / requests);
  const row = (name: string, countOf: (cost: Cost) => number) => [
    name,
    ...costs.map((one) => a(one, countOf(one))),
  ];
  const all = ({ commands }: Cost) => Object.values(commands).reduce((sum, count) => sum + count, 0);
  return {
    title: "A batch costs",
    columns: ["", ...costs.map(({ shape }) => describeShape(shape))],
    rows: [
      row("Postgres round trips", ({ roundTrips }) => roundTrips),
      row("Redis commands, those inside scripts included", all),
      ...[...names]
        .filter((name) => costs.some((one) => (one.commands[name] ?? 0) / one.requests > 0.01))
        .toSorted()
        .map((name) => row(`  ${name}`, ({ commands }) => commands[name] ?? 0)),
    ],
  };
}
