import { median } from "./measure/quantiles.ts";
import type { Measured, Round } from "./rounds.ts";

/** One ratio a round, between contenders measured one after the other in it. */
export interface Ratio {
  readonly median: number;
  readonly spread: readonly [number, number];
}

export function compareRounds(of: Measured, to: Measured, valueOf: (round: Round) => number): Ratio {
  return summarize(
    of.rounds.map((round, index) => {
      const other = to.rounds[index];
      return other === undefined ? NaN : valueOf(round) / valueOf(other);
    }),
  );
}

function summarize(values: readonly number[]): Ratio {
  return { median: median(values), spread: [Math.min(...values), Math.max(...values)] };
}

export function medianOf({ rounds }: Measured, valueOf: (round: Round) => number): number {
  return median(rounds.map(valueOf));
}

export const rateOf = (round: Round): number => round.operationsPerSecond;
export const requestRateOf = (round: Round): number => (round.requests / round.elapsedMs) * 1_000;
export const p50Of = (round: Round): number => round.latencyMs.p50;
export const p99Of = (round: Round): number => round.latencyMs.p99;

/** CPU time of all processes, in milliseconds an operation. */
export function cpuMsAnOperation({ operations, cpuSeconds }: Round): number {
  return (Object.values(cpuSeconds).reduce((sum, seconds) => sum + seconds, 0) * 1_000) / operations;
}

/** @throws if no contender of that name was measured */
export function find(measured: readonly Measured[], name: string): Measured {
  const found = measured.find((one) => one.name === name);
  if (found === undefined) throw new Error(`${name} was not measured`);
  return found;
}
