import type { Clock } from "../ports/index.ts";

/** A clock whose time passes only when a test lets it. */
export interface VirtualClock extends Clock {
  readonly nowMs: () => number;
  readonly setTimer: (delayMs: number, run: () => void) => () => void;
  /** Resolves after a delay. */
  readonly sleep: (delayMs: number) => Promise<void>;
  /** Lets the work run that waits for no timer. */
  readonly flush: () => Promise<void>;
  /** Lets time pass, and runs what is due, in order. */
  readonly advance: (ms: number) => Promise<void>;
  /**
   * Lets time pass from timer to timer until a condition holds.
   * @returns false if no timer is left, or the condition does not hold within `limitMs`
   */
  readonly runUntil: (holds: () => boolean, limitMs: number) => Promise<boolean>;
  /** The number of timers that wait. */
  readonly waiting: number;
}

interface Timer {
  dueMs: number;
  order: number;
  run: () => void;
}

/** 2026-01-01, a time that UUIDv7s of tests may hold. */
const START_MS = 1_767_225_600_000;

/** Creates a clock that stands still between the calls of a test. Timers of one time are called in their order. */
export function createClock({ startMs = START_MS }: { startMs?: number } = {}): VirtualClock {
  let nowMs = startMs;
  let order = 0;
  const timers = new Set<Timer>();

  function nextTimer(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of timers) {
      const isSooner =
        next === undefined ||
        timer.dueMs < next.dueMs ||
        (timer.dueMs === next.dueMs && timer.order < next.order);
      if (isSooner) next = timer;
    }
    return next;
  }

  /** A turn of the event loop runs every promise job, however many follow from each other. */
  const flush = () => new Promise<void>((resolve) => setImmediate(resolve));

  async function fire(timer: Timer): Promise<void> {
    timers.delete(timer);
    nowMs = Math.max(nowMs, timer.dueMs);
    timer.run();
    await flush();
  }

  function setTimer(delayMs: number, run: () => void): () => void {
    const timer = { dueMs: nowMs + Math.max(0, delayMs), order: order++, run };
    timers.add(timer);
    return () => void timers.delete(timer);
  }

  return {
    nowMs: () => nowMs,
    setTimer,
    sleep: (delayMs) => new Promise((resolve) => void setTimer(delayMs, resolve)),
    flush,
    async advance(ms) {
      const untilMs = nowMs + ms;
      await flush();
      for (let timer = nextTimer(); timer !== undefined && timer.dueMs <= untilMs; timer = nextTimer()) {
        await fire(timer);
      }
      nowMs = untilMs;
    },
    async runUntil(holds, limitMs) {
      const untilMs = nowMs + limitMs;
      await flush();
      while (!holds()) {
        const timer = nextTimer();
        if (timer === undefined || timer.dueMs > untilMs) return false;
        await fire(timer);
      }
      return true;
    },
    get waiting() {
      return timers.size;
    },
  };
}
