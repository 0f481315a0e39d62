import type { Shape } from "./load/shape.ts";
import type { Contender, RunningContender, Sent } from "./contender.ts";
import type { LoadResult } from "./load/messages.ts";
import { readMachineCpuSeconds, shareOfOthers } from "./measure/machine-cpu.ts";
import { readCpuSeconds, readMemoryMb, subtract } from "./measure/process-cpu.ts";
import type { Stores } from "./database/stores.ts";

export interface RoundOptions {
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmUpMs: number;
}

export interface Round extends LoadResult {
  readonly operationsPerSecond: number;
  readonly cpuSeconds: Readonly<Record<string, number>>;
  /** Which share of the machine's CPU went to those who have no part in this. */
  readonly othersCpu: number;
}

export interface Measured {
  readonly name: string;
  readonly shape: Shape;
  readonly rounds: readonly Round[];
  /** At the end, by process. */
  readonly memoryMb: Readonly<Record<string, number>>;
}

/** Contenders that run, each with what it has done so far. */
export type Race = readonly Entrant[];

interface Entrant {
  readonly contender: RunningContender;
  /** The last run: tells how much to make ready for the next. */
  last: LoadResult;
  /** All that was sent since the start. */
  sent: Sent;
}

export type RunLoad = (contender: RunningContender, durationMs: number) => Promise<LoadResult>;

/** Every connection sends as soon as it was answered. */
export const runClosed: RunLoad = ({ load }, durationMs) => load.runClosed(durationMs);

/** More is made ready than the last run needed. What a faster run lacks is made while the clock runs. */
const READY_FACTOR = 1.4;
/** Of a run that takes longer, the rest is made while the clock runs: it would not fit into memory. */
const READY_MS_MAX = 20_000;

/** Starts contenders, lets each warm up, and stops them in the end. */
export async function withContenders<T>(
  { stores, shape, warmUpMs }: { stores: Stores; shape: Shape; warmUpMs: number },
  contenders: readonly Contender[],
  use: (race: Race) => Promise<T>,
): Promise<T> {
  const starts = await Promise.allSettled(
    contenders.map((contender) => naming(contender, () => contender.start(stores, shape))),
  );
  const running = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
  try {
    const failed = starts.find((start) => start.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    const race: Entrant[] = [];
    for (const contender of running) race.push(await naming(contender, () => warmUp(contender, warmUpMs)));
    return await use(race);
  } finally {
    await Promise.all(running.map((contender) => contender.stop()));
  }
}

/**
 * Measures contenders in turn: A, B, C, B, C, A, C, … so that what changes on the machine meanwhile meets all of them.
 * After every round the database is asked whether all that was answered is there.
 */
export async function takeRounds(
  race: Race,
  { rounds, roundMs }: Pick<RoundOptions, "rounds" | "roundMs">,
  run: RunLoad = runClosed,
): Promise<Measured[]> {
  const taken = new Map<Entrant, Round[]>(race.map((entrant) => [entrant, []]));
  for (let round = 0; round < rounds; round++) {
    const turn = round % race.length;
    for (const entrant of [...race.slice(turn), ...race.slice(0, turn)]) {
      const measured = await naming(entrant.contender, () => measure(entrant, roundMs, run));
      taken.get(entrant)?.push(measured);
    }
  }
  return race.map((entrant) => ({
    name: entrant.contender.name,
    shape: entrant.contender.shape,
    rounds: taken.get(entrant) ?? [],
    memoryMb: readMemoryMb(entrant.contender.processes),
  }));
}

/** Both, where nothing else is done with the contenders. */
export async function alternate(
  stores: Stores,
  shape: Shape,
  contenders: readonly Contender[],
  options: RoundOptions,
): Promise<Measured[]> {
  return withContenders({ stores, shape, warmUpMs: options.warmUpMs }, contenders, (race) =>
    takeRounds(race, options),
  );
}

async function naming<T>({ name }: { readonly name: string }, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new Error(`${name} failed`, { cause: error });
  }
}

async function warmUp(contender: RunningContender, durationMs: number): Promise<Entrant> {
  const last = await contender.load.runClosed(durationMs);
  await contender.verify(last);
  return { contender, last, sent: last };
}

async function measure(entrant: Entrant, durationMs: number, run: RunLoad): Promise<Round> {
  const { contender, last, sent } = entrant;
  const readyMs = Math.min(durationMs, READY_MS_MAX);
  await contender.load.prepare(Math.ceil((READY_FACTOR * last.requests * readyMs) / last.elapsedMs));
  const before = readCpuSeconds(contender.processes);
  const machineBefore = readMachineCpuSeconds();
  const startMs = performance.now();
  const result = await run(contender, durationMs);
  const elapsedMs = performance.now() - startMs;
  const machineSeconds = readMachineCpuSeconds() - machineBefore;
  const cpuSeconds = subtract(readCpuSeconds(contender.processes), before);
  const ourSeconds = Object.values(cpuSeconds).reduce((sum, seconds) => sum + seconds, 0);
  entrant.last = result;
  entrant.sent = {
    requests: sent.requests + result.requests,
    operations: sent.operations + result.operations,
  };
  await contender.verify(entrant.sent);
  return {
    ...result,
    operationsPerSecond: (result.operations / result.elapsedMs) * 1_000,
    cpuSeconds,
    othersCpu: shareOfOthers(machineSeconds, ourSeconds, elapsedMs),
  };
}
