import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DRAIN_BACKOFF, ROUND_BACKOFF, backoffMs } from "./backoff.ts";

const ALMOST_ONE = 1 - Number.EPSILON;
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const bounds = fc.constantFrom(DRAIN_BACKOFF, ROUND_BACKOFF);

describe("the backoff", () => {
  it("lies between 1 ms and its largest bound, however many attempts failed", () => {
    fc.assert(
      fc.property(fc.integer(), bounds, random, (attempt, within, draw) => {
        const delayMs = backoffMs(attempt, within, draw);
        expect(Number.isInteger(delayMs)).toBe(true);
        expect(delayMs).toBeGreaterThanOrEqual(1);
        expect(delayMs).toBeLessThanOrEqual(within.backoffMsMax);
      }),
    );
  });

  it("doubles its bound with every attempt until the largest", () => {
    const boundsMs = [1, 2, 3, 4, 7, 8, 9, 1_000_000].map((attempt) =>
      backoffMs(attempt, DRAIN_BACKOFF, ALMOST_ONE),
    );
    expect(boundsMs).toEqual([50, 100, 200, 400, 3_200, 5_000, 5_000, 5_000]);
  });

  it("has full jitter: the draw decides between zero and the whole bound", () => {
    expect(backoffMs(3, ROUND_BACKOFF, 0)).toBe(1);
    expect(backoffMs(3, ROUND_BACKOFF, 0.5)).toBe(2_000);
    expect(backoffMs(3, ROUND_BACKOFF, ALMOST_ONE)).toBe(4_000);
  });

  it("is 50 ms to 5 s for drains, and 1 s to 5 min for rounds", () => {
    expect(DRAIN_BACKOFF).toEqual({ backoffMsMin: 50, backoffMsMax: 5_000 });
    expect(ROUND_BACKOFF).toEqual({ backoffMsMin: 1_000, backoffMsMax: 300_000 });
  });

  it("treats an attempt below the first as the first", () => {
    expect(backoffMs(0, DRAIN_BACKOFF, ALMOST_ONE)).toBe(50);
    expect(backoffMs(-3, DRAIN_BACKOFF, ALMOST_ONE)).toBe(50);
  });
});
