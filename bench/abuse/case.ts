import type { AbuseSystem } from "./abuse-system.ts";

/** An attack by which one subject tries to shut others out. */
export interface AbuseCase {
  readonly name: string;
  /** Prepares and runs the case on a system of its own. */
  readonly run: (system: AbuseSystem) => Promise<Figure[]>;
}

/** A measured value and the bar that limits it from above or below. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** Informational if left out. */
  readonly bar?: { readonly atMost: number } | { readonly atLeast: number };
}

/** True if the figure is within its bar. */
export function holds({ value, bar }: Figure): boolean {
  if (bar === undefined) return true;
  return "atMost" in bar ? value <= bar.atMost : value >= bar.atLeast;
}
