import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shardTags, slotOf } from "./shard-tags.ts";

const shardCounts = fc.nat({ max: 8 }).map((power) => 2 ** power);

describe("the tags of shards", () => {
  // Stored data depends on these: entries under another tag would never be found.
  it("never change", () => {
    expect(shardTags(1)).toEqual(["{syncline}"]);
    expect(shardTags(2)).toEqual(["{syncline:0}", "{syncline:2}"]);
    expect(shardTags(4)).toEqual(["{syncline:0}", "{syncline:1}", "{syncline:2}", "{syncline:3}"]);
  });

  it("have the slots that Redis gives them", () => {
    // The result of CLUSTER KEYSLOT.
    expect(["{syncline}", "{123456789}", "{foo}"].map(slotOf)).toEqual([14429, 12739, 12182]);
  });

  it("are as many as requested, and all different", () => {
    fc.assert(
      fc.property(shardCounts, (count) => {
        expect(new Set(shardTags(count)).size).toBe(count);
      }),
    );
  });

  it("spread evenly over any number of masters with equal ranges: none has more than two above its share", () => {
    fc.assert(
      fc.property(shardCounts, fc.integer({ min: 1, max: 12 }), (count, masters) => {
        const countByMaster = Array.from({ length: masters }, () => 0);
        for (const tag of count === 1 ? [] : shardTags(count)) {
          const master = Math.floor((slotOf(tag) * masters) / 16_384);
          countByMaster[master] = (countByMaster[master] ?? 0) + 1;
        }
        expect(Math.max(...countByMaster)).toBeLessThan(count / masters + 2);
      }),
    );
  });
});
