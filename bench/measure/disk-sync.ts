import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { median } from "./quantiles.ts";

/** Measures the disk cost of one commit: the median of 8 kB written and synced, in milliseconds. */
export function measureDiskSync(folder: string): number {
  const path = join(folder, "disk-sync");
  const file = openSync(path, "w");
  try {
    const block = Buffer.alloc(8_192);
    const samplesMs = Array.from({ length: 50 }, () => {
      const startMs = performance.now();
      writeSync(file, block);
      fdatasyncSync(file);
      return performance.now() - startMs;
    });
    return median(samplesMs);
  } finally {
    closeSync(file);
    rmSync(path);
  }
}
