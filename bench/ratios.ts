import { median } from "./measure/quantiles.ts";
import type { Measured, Round } from "./rounds.ts";

/** A ratio a round, of contenders that were measured one after the other in it. */
export interface Ratio {
  readonly median: number;
  readonly spread: readonly [number, number];
}

export function compareRounds(of: Measured, to: Measured, valueOf: (round: Round) => number): Ratio {
  const ratios = of.rounds.map((round, index) => {
    const other = to.rounds[index];
    return other === undefined ? NaN : valueOf(round) / valueOf(other);
  });
  return { median: median(ratios), spread: [Math.min(...ratios), Math.max(...ratios)] };
}

export function medianOf({ rounds }: Measured, valueOf: (round: Round) => number): number {
  return median(rounds.map(valueOf));
}

export const rateOf = (round: Round): number => round.operationsPerSecond;
export const p50Of = (round: Round): number => round.latencyMs.p50;

/** @throws where nobody of that name was measured */
export function find(measured: readonly Measured[], name: string): Measured {
  const found = measured.find((one) => one.name === name);
  if (found === undefined) throw new Error(`${name} was not measured`);
  return found;
}
