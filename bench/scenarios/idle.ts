import { setTimeout as delay } from "node:timers/promises";
import { serviceProcesses, startSystem, storeProcesses } from "../contenders/syncline.ts";
import { readCpuSeconds, readMemoryMb, subtract } from "../measure/process-cpu.ts";
import { readRedisCommands } from "../measure/redis-commands.ts";
import { round } from "../report/tables.ts";
import type { Scenario } from "../scenario.ts";
import { onDatabase } from "../database/on-database.ts";

/** The services' use of CPU, Redis and Postgres without any request. */
export const idle: Scenario = {
  name: "idle",
  title: "three services idle",
  quick: true,
  async run({ stores, isQuick }) {
    const seconds = isQuick ? 5 : 30;
    const databaseUrl = await stores.createSeededDatabase();
    const system = await startSystem(stores, databaseUrl, {});
    try {
      await delay(5_000); // lets the work of the start end
      const processes = { ...serviceProcesses(system), ...storeProcesses(stores) };
      const cpuBefore = readCpuSeconds(processes);
      const commandsBefore = await readRedisCommands(stores.redisUrl);
      const transactionsBefore = await readTransactions(databaseUrl);
      await delay(seconds * 1_000);
      const cpu = subtract(readCpuSeconds(processes), cpuBefore);
      const commands = subtract(await readRedisCommands(stores.redisUrl), commandsBefore);
      const transactions = (await readTransactions(databaseUrl)) - transactionsBefore;
      const share = (name: string) => ((cpu[name] ?? NaN) / seconds) * 100;
      const perSecond = Object.entries(commands)
        .map(([name, count]) => [name, count / seconds] as const)
        .filter(([name, rate]) => rate > 0 && name !== "info")
        .toSorted(([, a], [, b]) => b - a);
      return {
        goals: [
          {
            what: "three services idle",
            ratio: share("ingest") + share("worker") + share("conflict"),
            unit: "% of a core",
            better: "lower",
            firstBar: 2,
            goal: 0.5,
            beside: `over ${seconds} s: ${Object.keys(processes)
              .map((name) => `${name} ${round(share(name))} %`)
              .join(", ")}; ${round(transactions / seconds)} transactions/s`,
          },
        ],
        tables: [
          {
            title: "Idle: Redis commands a second, of all services together",
            columns: ["command", "a second"],
            rows: perSecond.map(([name, rate]) => [name, round(rate)]),
          },
          {
            title: "Idle: memory",
            columns: ["process", "MB"],
            rows: Object.entries(readMemoryMb(serviceProcesses(system))).map(([name, mb]) => [
              name,
              round(mb),
            ]),
          },
        ],
      };
    } finally {
      await system.stop();
    }
  },
};

function readTransactions(databaseUrl: string): Promise<number> {
  return onDatabase(databaseUrl, async (client) => {
    const { rows } = await client.query<{ count: number }>(
      "SELECT (xact_commit + xact_rollback)::int AS count FROM pg_stat_database WHERE datname = current_database()",
    );
    return rows[0]?.count ?? NaN;
  });
}
