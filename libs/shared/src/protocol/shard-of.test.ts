import fc from "fast-check";
import { expect, it } from "vitest";
import { laneOf } from "./lane-of.ts";
import { isShardCount, lanesOf, shardOf, shareOf } from "./shard-of.ts";

const shardCounts = fc.nat({ max: 8 }).map((power) => 2 ** power);

it("a workspace's shard is that of its lane, however many lanes there are", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      shardCounts,
      fc.nat({ max: 8 }),
      (workspaceId, count, more) => {
        expect(shardOf(laneOf(workspaceId, count << more), count)).toBe(laneOf(workspaceId, count));
      },
    ),
  );
});

it("every lane belongs to exactly one shard", () => {
  fc.assert(
    fc.property(shardCounts, fc.nat({ max: 4 }), (shards, more) => {
      const lanes = shards << more;
      const lanesByShard = Array.from({ length: shards }, (_, shard) => lanesOf(shard, { lanes, shards }));
      expect(lanesByShard.flat().toSorted((a, b) => a - b)).toEqual([...Array(lanes).keys()]);
      for (const [shard, own] of lanesByShard.entries())
        expect(new Set(own.map((lane) => shardOf(lane, shards)))).toEqual(new Set([shard]));
    }),
  );
});

it.each([
  [1, 1, true],
  [4, 16, true],
  [16, 16, true],
  [32, 16, false],
  [3, 16, false],
  [0, 16, false],
  [1.5, 16, false],
  [Number.NaN, 16, false],
])("%d shards of %d lanes: %s", (count, lanes, can) => {
  expect(isShardCount(count, lanes)).toBe(can);
});

it("a process-wide total is divided among the shards evenly, completely, and with at least one each", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 }), shardCounts, (total, count) => {
      const shares = Array.from({ length: count }, (_, shard) => shareOf(total, shard, count));
      expect(shares.reduce((sum, share) => sum + share, 0)).toBe(Math.max(total, count));
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
    }),
  );
});
