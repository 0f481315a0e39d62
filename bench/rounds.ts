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
  /** The share of the machine's CPU that went to other programs. */
  readonly othersCpu: number;
}

export interface Measured {
  readonly name: string;
  readonly shape: Shape;
  readonly rounds: readonly Round[];
  /** Memory at the end, by process. */
  readonly memoryMb: Readonly<Record<string, number>>;
}

/** Running contenders, each with its operations so far. */
export type Race = readonly Entrant[];

interface Entrant {
  readonly contender: RunningContender;
  /** The last run; it determines the number of requests to prepare for the next. */
  last: LoadResult;
  /** All operations sent since the start. */
  sent: Sent;
}

export type RunLoad = (contender: RunningContender, durationMs: number) => Promise<LoadResult>;

/** Every connection sends its next request as soon as the last one was answered. */
const runClosed: RunLoad = ({ load }, durationMs) => load.runClosed(durationMs);

/** Prepares more requests than the last run needed. A faster run makes the missing ones while the clock runs. */
const READY_FACTOR = 1.4;
/** Bounds the prepared part of a long run, for memory; the rest is made while the clock runs. */
const READY_MS_MAX = 20_000;

/** Starts contenders, warms each of them up, and stops them in the end. */
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
 * Measures contenders in turn: A, B, C, B, C, A, C, … so that changes of the machine meet all of them. After every
 * round the database is checked for all answered operations.
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

/** Starts contenders and takes their rounds. */
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
