import type { Measured, RoundOptions } from "./rounds.ts";
import type { Stores } from "./database/stores.ts";

/** One measurement that can be run alone: `--only NAME`. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** True if it is part of the short run. */
  readonly quick: boolean;
  run(bench: Bench): Promise<Findings>;
}

export interface Bench {
  readonly stores: Stores;
  readonly rounds: RoundOptions;
  readonly isQuick: boolean;
  /** True for only Syncline and the limit in the same shape: the figures for tuning. */
  readonly isBrief: boolean;
  readonly soakMinutes: number;
  readonly say: (line: string) => void;
}

export interface Findings {
  readonly goals?: readonly Goal[];
  readonly tables?: readonly Table[];
  /** The rounds' measurements, kept in the JSON. */
  readonly measured?: readonly Measured[];
}

/** A row of the goals table. */
export interface Goal {
  readonly what: string;
  /** In the words and the unit of the bars: `0.65 of the limit`. */
  readonly ratio: number;
  readonly unit: string;
  readonly firstBar: number;
  readonly goal: number;
  readonly better: "higher" | "lower";
  /** The lowest and the highest of the rounds. */
  readonly spread?: readonly [number, number];
  /** The absolute figures and other remarks. */
  readonly beside: string;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}
