import type { Contender, RunningContender } from "./contender.ts";
import type { LoadResult, Shape } from "./load/messages.ts";
import { readCpuSeconds, readMemoryMb, subtract } from "./measure/process-cpu.ts";
import type { Stores } from "./stores.ts";

export interface RoundOptions {
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmUpMs: number;
}

export interface Round extends LoadResult {
  readonly operationsPerSecond: number;
  readonly cpuSeconds: Readonly<Record<string, number>>;
}

export interface Measured {
  readonly name: string;
  readonly shape: Shape;
  readonly rounds: readonly Round[];
  /** At the end, by process. */
  readonly memoryMb: Readonly<Record<string, number>>;
}

/** How a contender is run in a round. */
export type RunRound = (contender: RunningContender, durationMs: number) => Promise<LoadResult>;

/** More is made ready than the last run needed. What a faster run lacks is made while the clock runs. */
const READY_FACTOR = 1.4;

/**
 * Measures contenders in turn: A, B, C, B, C, A, C, … so that what changes on the machine meanwhile meets all of them.
 * Each has had a run to warm up. After every round the database is asked whether all that was answered is there.
 */
export async function alternate(
  stores: Stores,
  shape: Shape,
  contenders: readonly Contender[],
  options: RoundOptions,
  runRound: RunRound = runClosed,
): Promise<Measured[]> {
  const running: RunningContender[] = [];
  try {
    for (const contender of contenders) running.push(await contender.start(stores, shape));
    const states: State[] = [];
    for (const contender of running) {
      states.push(await naming(contender, () => warmUp(contender, options.warmUpMs)));
    }
    for (let round = 0; round < options.rounds; round++) {
      const turn = round % states.length;
      for (const state of [...states.slice(turn), ...states.slice(0, turn)]) {
        await naming(state.contender, () => measure(state, options.roundMs, runRound));
      }
    }
    return states.map(({ contender, rounds }) => ({
      name: contender.name,
      shape: contender.shape,
      rounds,
      memoryMb: readMemoryMb(contender.processes),
    }));
  } finally {
    await Promise.all(running.map((contender) => contender.stop()));
  }
}

async function naming<T>({ name }: RunningContender, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new Error(`${name} failed`, { cause: error });
  }
}

export const runClosed: RunRound = ({ load }, durationMs) => load.runClosed(durationMs);

interface State {
  readonly contender: RunningContender;
  readonly rounds: Round[];
  readonly estimate: LoadResult;
  /** Since the start. */
  operations: number;
}

async function warmUp(contender: RunningContender, durationMs: number): Promise<State> {
  const estimate = await contender.load.runClosed(durationMs);
  await contender.verify(estimate.operations);
  return { contender, rounds: [], estimate, operations: estimate.operations };
}

async function measure(state: State, durationMs: number, runRound: RunRound): Promise<void> {
  const { contender, estimate } = state;
  await contender.load.prepare(
    Math.ceil((READY_FACTOR * estimate.requests * durationMs) / estimate.elapsedMs),
  );
  const before = readCpuSeconds(contender.processes);
  const result = await runRound(contender, durationMs);
  const cpuSeconds = subtract(readCpuSeconds(contender.processes), before);
  state.operations += result.operations;
  await contender.verify(state.operations);
  const operationsPerSecond = (result.operations / result.elapsedMs) * 1_000;
  state.rounds.push({ ...result, operationsPerSecond, cpuSeconds });
}
