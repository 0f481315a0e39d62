import { afterAll, beforeAll, expect, it } from "vitest";
import { startSystem, type System } from "../support/system.ts";
import { runFuzz } from "./run-fuzz.ts";

const numberOf = (text: string | undefined, otherwise: number) => (text ? Number(text) : otherwise);
const REQUESTS = numberOf(process.env["FUZZ_REQUESTS"], 3_000);
const SEED = numberOf(process.env["FUZZ_SEED"], 1);
const REQUEST_TIMEOUT_MS = 8_000;
const TIMEOUT_MS = 300_000 + 20 * REQUESTS;

let system: System;
beforeAll(async () => {
  system = await startSystem({
    env: { REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT_MS), WAIT_MS_MAX: "2000", EVENT_STREAMS_MAX: "100" },
  });
});
afterAll(() => system.stop());

it(
  "no request makes a service fail, hang, exit, leak, or store other data than it was sent",
  { timeout: TIMEOUT_MS },
  async () => {
    const startedAtMs = Date.now();
    const { faults, ...report } = await runFuzz(system, {
      requests: REQUESTS,
      seed: SEED,
      attacks: true,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
    });
    console.table(report.attacks);
    console.log({
      ...report,
      attacks: report.attacks.length,
      seconds: Math.round((Date.now() - startedAtMs) / 1_000),
    });
    expect(faults).toEqual([]);
    // Otherwise most requests would be rejected early.
    expect(report.byStatus[200] ?? 0).toBeGreaterThan(REQUESTS / 5);
    // The longer the run, the more writes meet existing documents and are merged.
    expect(report.readBack).toBeGreaterThanOrEqual(REQUESTS / 1_000);
    expect(report.slowestPingMs).toBeLessThan(10_000);
    for (const [index, { name, memoryMiB, openFiles }] of report.after.entries()) {
      const before = report.before[index];
      // After decompression bombs a heap keeps some of its space.
      expect([name, memoryMiB - (before?.memoryMiB ?? 0) < 400]).toEqual([name, true]);
      expect([name, openFiles <= (before?.openFiles ?? 0) + 20]).toEqual([name, true]);
    }
  },
);
