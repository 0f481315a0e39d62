/** The quality of the connection, from round-trip times and failures. */
export interface Pace {
  /** Exponential averages: of the round-trip time, and of failures (0 to 1). */
  readonly roundTripMs: number;
  readonly failures: number;
}

export const NEW_PACE: Pace = { roundTripMs: 200, failures: 0 };
const WEIGHT = 0.3;

/** Takes in one request. */
export function paceAfter({ roundTripMs, failures }: Pace, tookMs: number, hasFailed: boolean): Pace {
  return {
    roundTripMs: hasFailed ? roundTripMs : roundTripMs + WEIGHT * (tookMs - roundTripMs),
    failures: failures + WEIGHT * ((hasFailed ? 1 : 0) - failures),
  };
}

/** When a trickle of operations is sent: at a number of operations, or after a time. */
export interface Trickle {
  readonly operations: number;
  readonly withinMs: number;
}

const TRICKLES = {
  poor: { operations: 3, withinMs: 15_000 },
  good: { operations: 10, withinMs: 5_000 },
  excellent: { operations: 20, withinMs: 2_000 },
} as const satisfies Record<string, Trickle>;

function qualityOf({ roundTripMs, failures }: Pace): keyof typeof TRICKLES {
  if (failures > 0.3 || roundTripMs > 1_500) return "poor";
  return failures > 0.1 || roundTripMs > 300 ? "good" : "excellent";
}

/** The writes that wait for their window to end. */
export interface Window {
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly operations: number;
  readonly isUrgent: boolean;
}

/**
 * The time at which the window ends: shortly after the last write, and not long after the first. On an invisible
 * screen it may take as long as the connection's quality suggests.
 */
export function windowEndMs(
  window: Window,
  settings: { readonly windowMs: number; readonly windowMsMax: number },
  isVisible: boolean,
  pace: Pace,
): number {
  if (window.isUrgent) return window.firstAtMs;
  const soon = Math.min(window.lastAtMs + settings.windowMs, window.firstAtMs + settings.windowMsMax);
  if (isVisible) return soon;
  const trickle = TRICKLES[qualityOf(pace)];
  return window.operations >= trickle.operations ? soon : Math.max(soon, window.firstAtMs + trickle.withinMs);
}
