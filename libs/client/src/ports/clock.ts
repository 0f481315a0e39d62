/** The device's clock and its timers. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Calls `run` once, after the delay. Returns the function that cancels it. */
  setTimer(delayMs: number, run: () => void): () => void;
}
