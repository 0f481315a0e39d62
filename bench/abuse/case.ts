import type { AbuseSystem } from "./abuse-system.ts";

/** Something that one subject does to shut others out. */
export interface AbuseCase {
  readonly name: string;
  /** Prepares the case and runs it; the system is its own. */
  readonly run: (system: AbuseSystem) => Promise<Figure[]>;
}

/** A measured value beside the bar that it must not exceed, or fall below. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** None: for the eye. */
  readonly bar?: { readonly atMost: number } | { readonly atLeast: number };
}

/** Tells whether a figure keeps its bar. */
export function holds({ value, bar }: Figure): boolean {
  if (bar === undefined) return true;
  return "atMost" in bar ? value <= bar.atMost : value >= bar.atLeast;
}
