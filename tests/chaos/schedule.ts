import { setTimeout as delay } from "node:timers/promises";
import type { ChaosSystem } from "./chaos-system.ts";
import { CLOCK_FAULTS } from "./faults/clock-faults.ts";
import { CLUSTER_FAULTS } from "./faults/cluster-faults.ts";
import { CONSUMER_FAULTS } from "./faults/consumer-faults.ts";
import { until, type FaultContext, type FaultKind } from "./faults/fault-kind.ts";
import { lineFaults } from "./faults/line-faults.ts";
import { POSTGRES_FAULTS } from "./faults/postgres-faults.ts";
import { PROCESS_FAULTS } from "./faults/process-faults.ts";
import { REDIS_FAULTS } from "./faults/redis-faults.ts";
import type { History } from "./load/history.ts";
import type { Load } from "./load/run-load.ts";
import type { LogLine, LogReader } from "./log-reader.ts";
import type { Random } from "./random.ts";

/** All faults, on one Redis or on a cluster. */
export function faultsOf({ cluster }: { cluster: boolean }): FaultKind[] {
  return [
    ...PROCESS_FAULTS,
    ...(cluster ? CLUSTER_FAULTS : REDIS_FAULTS),
    ...POSTGRES_FAULTS,
    ...(cluster ? [] : lineFaults("redis")),
    ...lineFaults("postgres"),
    ...CLOCK_FAULTS,
    ...CONSUMER_FAULTS,
  ];
}

/** A fault and its times. */
export interface Strike {
  name: string;
  beganAtMs: number;
  /** The time when the fault was over, and every operation sent by then was answered. */
  recoveredAtMs: number;
}

const RECOVERED_MS_MAX = 90_000;
const CALM_MS_MAX = 1_000;
/** Ten times the lines of normal work: more means a retry loop without backoff. */
const LINES_A_SECOND_MAX = 2_000;

interface Parts {
  system: ChaosSystem;
  history: History;
  load: Load;
  largeWorkspaceId: string;
  logs: LogReader;
  random: Random;
  say: (line: string) => void;
}

/**
 * Strikes one fault after the other until the time is over: every kind once, in a random order, then every kind again
 * in another order. After each fault it waits for recovery. A fault without effect or without recovery is a violation.
 *
 * @returns the faults, and all lines logged meanwhile
 */
export async function strikeUntil(
  endAtMs: number,
  faults: readonly FaultKind[],
  { system, history, load, largeWorkspaceId, logs, random, say }: Parts,
): Promise<{ strikes: Strike[]; logged: LogLine[] }> {
  const strikes: Strike[] = [];
  const logged: LogLine[] = [];
  let deck: FaultKind[] = [];
  while (Date.now() < endAtMs) {
    if (deck.length === 0) deck = random.shuffle(faults);
    const fault = deck.pop();
    if (fault === undefined) break;
    await delay(random.below(CALM_MS_MAX));
    logged.push(...logs.read());
    const before = logged.length;
    const beganAtMs = Date.now();
    const context: FaultContext = {
      system,
      history,
      workspaces: load.workspaces,
      largeWorkspaceId,
      random,
      logged: () => {
        logged.push(...logs.read());
        return logged.slice(before);
      },
      beganAtMs,
    };
    let bit = "";
    try {
      bit = await fault.strike(context);
    } catch (error) {
      history.violate("wrong", `${fault.name}: ${String(error)}`);
    }
    const endedAtMs = Date.now();
    await until("every operation sent by then is answered", () => isWell(endedAtMs), RECOVERED_MS_MAX).catch(
      (error: unknown) => history.violate("lost", `after ${fault.name}: ${String(error)}`),
    );
    const recoveredAtMs = Date.now();
    const linesASecond = (context.logged().length / (recoveredAtMs - beganAtMs)) * 1_000;
    if (linesASecond > LINES_A_SECOND_MAX) {
      history.violate("wrong", `${fault.name}: services logged ${Math.round(linesASecond)} lines a second`);
    }
    strikes.push({ name: fault.name, beganAtMs, recoveredAtMs });
    say(`${fault.name}: ${bit}; recovered ${recoveredAtMs - endedAtMs} ms after it`);
  }
  return { strikes, logged };

  async function isWell(endedAtMs: number): Promise<boolean> {
    if (!history.isSettledTo(endedAtMs)) return false;
    const ready = await Promise.all(system.processes().map((managed) => managed.isReady()));
    return ready.every(Boolean);
  }
}
