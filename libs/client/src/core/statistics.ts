import type { Statistics } from "../public/status.ts";

const SAMPLES_MAX = 500;

/** Counts what the client does, since it was created. */
export class Statistician {
  made = 0;
  folded = 0;
  sent = 0;
  applied = 0;
  merged = 0;
  refused = 0;
  requests = 0;
  batches = 0;
  bytesSent = 0;
  retries = 0;
  queueMax = 0;
  manualSyncs = 0;
  pulled = 0;
  readonly #samples: number[] = [];

  /** Takes in the time from a write to its answer. Keeps the latest samples. */
  tookMs(ms: number): void {
    this.#samples.push(ms);
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  counts(): { sent: number; applied: number; merged: number; refused: number; pulled: number } {
    const { sent, applied, merged, refused, pulled } = this;
    return { sent, applied, merged, refused, pulled };
  }

  read(): Statistics {
    const { made, folded, sent, applied, merged, refused } = this;
    const sorted = this.#samples.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    return {
      operations: { made, folded, sent, applied, merged, refused },
      requests: this.requests,
      bytesSent: this.bytesSent,
      retries: this.retries,
      operationsPerBatch: this.batches === 0 ? 0 : sent / this.batches,
      writeToAppliedMs: { p50: at(0.5), p95: at(0.95) },
      queueMax: this.queueMax,
      manualSyncs: this.manualSyncs,
    };
  }
}
