import { describe, expect, it } from "vitest";
import { pullBeforePush } from "./pull-before-push.ts";
import { runHistory } from "./run-history.ts";

describe("random histories of devices", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("seed %d violates no rule", async (seed) => {
    const { violations, emissions } = await runHistory(seed);
    expect(violations).toEqual([]);
    expect(emissions).toBeGreaterThan(0);
  });

  it("converges after the server's database was restored", async () => {
    const { violations } = await runHistory(10, { restores: true });
    expect(violations).toEqual([]);
  });

  it("is the same for the same seed", async () => {
    expect(await runHistory(3, { steps: 20 })).toEqual(await runHistory(3, { steps: 20 }));
  });
});

it("an edit that was pushed after a pull is left to a person", async () => {
  const seeds = Array.from({ length: 20 }, (_, at) => at + 1);
  const reports = [];
  for (const seed of seeds) reports.push(await pullBeforePush(seed));
  expect(reports.flatMap(({ overwrites }) => overwrites)).toEqual([]);
  expect(reports.map(({ parked }) => parked)).toEqual(seeds.map(() => 1));
});
