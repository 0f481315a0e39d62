import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startChaosSystem, type ChaosSystem } from "./chaos-system.ts";
import { checkAtRest, checkWorkspace } from "./check/check-end.ts";
import { checkMemory, checkProcesses, measureMemory, toMiB } from "./check/check-processes.ts";
import { createClient } from "../support/system.ts";
import type { FaultKind } from "./faults/fault-kind.ts";
import { History } from "./load/history.ts";
import { startLoad } from "./load/run-load.ts";
import { LogReader } from "./log-reader.ts";
import { createRandom } from "./random.ts";
import { renderTable } from "./report.ts";
import { faultsOf, strikeUntil } from "./schedule.ts";

export interface ChaosOptions {
  minutes: number;
  seed: number;
  /** Uses a Redis Cluster, with its faults. */
  cluster: boolean;
  /** Only faults with one of these in their names. */
  only: readonly string[];
  say: (line: string) => void;
}

const WORKSPACES = 8;
const DEVICES_PER_WORKSPACE = 4;
const WARM_UP_MS = 5_000;
/** More than a connection between a server and a client can buffer. */
const LARGE_DOCUMENTS = 240;
const LARGE_DOCUMENT_BYTES = 100_000;

/** Runs a load under a seeded schedule of faults, and checks every guarantee afterwards. @returns true if all hold */
export async function runChaos({ minutes, seed, cluster, only, say }: ChaosOptions): Promise<boolean> {
  const isWanted = ({ name }: FaultKind) => only.length === 0 || only.some((part) => name.includes(part));
  const faults = faultsOf({ cluster }).filter(isWanted);
  if (faults.length === 0) throw new Error(`No fault has ${only.join(" or ")} in its name`);
  const system = await startChaosSystem({ cluster });
  try {
    const history = new History();
    const logs = new LogReader(system.processes());
    const random = createRandom(seed);
    const largeWorkspaceId = await fillLargeWorkspace(system);
    const startedAtMs = Date.now();
    const load = await startLoad(system, history, {
      seed,
      workspaces: WORKSPACES,
      devicesPerWorkspace: DEVICES_PER_WORKSPACE,
    });
    say(`${WORKSPACES * DEVICES_PER_WORKSPACE} devices in ${WORKSPACES} workspaces, seed ${seed}.`);
    await delay(WARM_UP_MS);
    const warm = await measureMemory(system);
    const parts = { system, history, load, largeWorkspaceId, logs, random, say };
    const { strikes, logged } = await strikeUntil(startedAtMs + minutes * 60_000, faults, parts);
    await load.finish();
    const endedAtMs = Date.now();

    await checkAtRest(system, history);
    for (const workspace of load.workspaces) await checkWorkspace(workspace, system, history);
    await Promise.all(load.workspaces.map(({ follower }) => follower.stop()));
    await checkProcesses(system, [...logged, ...logs.read()], history);
    const end = await measureMemory(system);
    checkMemory(warm, end, history);

    const operations = history.batches.reduce((sum, { clientIds }) => sum + clientIds.length, 0);
    const requests = history.batches.reduce((sum, { attempts }) => sum + attempts.length, 0);
    const { resends, reads, stories } = load.counts();
    say(`\n${renderTable(strikes, history, endedAtMs)}\n`);
    say(
      `${operations} operations in ${history.batches.length} batches and ${requests} requests; ${resends} batches were sent again, ${reads} documents read back, ${stories} conflicts decided or operations replayed.`,
    );
    say(
      `Memory: ${[...end].map(([name, bytes]) => `${name} ${toMiB(bytes)} MiB (${toMiB(warm.get(name) ?? 0)} warm)`).join(", ")}.`,
    );
    const missed = faults.filter(({ name }) => !strikes.some((strike) => strike.name === name));
    if (missed.length > 0) say(`No time was left for: ${missed.map(({ name }) => name).join("; ")}.`);
    if (history.violations.length === 0) return true;
    const path = join(tmpdir(), `syncline-chaos-${seed}.json`);
    writeFileSync(
      path,
      JSON.stringify({ strikes, violations: history.violations, batches: history.batches }),
    );
    say(`${history.violations.length} violations; the whole history is in ${path}:`);
    for (const { kind, what } of history.violations.slice(0, 20)) say(`  ${kind}: ${what.slice(0, 500)}`);
    return false;
  } finally {
    await system.stop();
  }
}

async function fillLargeWorkspace(system: ChaosSystem): Promise<string> {
  const client = await createClient(system);
  for (let from = 0; from < LARGE_DOCUMENTS; from += 40) {
    const { status } = await client.post({
      operations: Array.from({ length: 40 }, (_, n) => ({
        operation: "create",
        client_id: `large ${from + n}`,
        document_id: `large ${from + n}`,
        data: { text: "x".repeat(LARGE_DOCUMENT_BYTES) },
      })),
    });
    if (status !== 200) throw new Error(`The large workspace could not be filled: status ${status}`);
  }
  return client.workspaceId;
}
