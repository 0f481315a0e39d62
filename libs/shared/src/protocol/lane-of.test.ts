import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isLaneCount, laneOf } from "./lane-of.ts";

describe("the lane of a workspace", () => {
  // Stored data depends on these: a hash that changes gives one workspace two drains.
  it.each([
    ["550e8400-e29b-41d4-a716-446655440000", 9, 15449],
    ["w", 12, 16940],
    ["workspace-1", 4, 3828],
    ["Zürich", 12, 62732],
    ["東京", 2, 18610],
    ["😀", 6, 4102],
  ])("of %s never changes", (workspaceId, of16, of65536) => {
    expect(laneOf(workspaceId, 16)).toBe(of16);
    expect(laneOf(workspaceId, 65536)).toBe(of65536);
  });

  it("is a whole number from 0 up to the count of lanes", () => {
    const laneCount = fc.nat({ max: 16 }).map((power) => 2 ** power);
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), laneCount, (workspaceId, count) => {
        const lane = laneOf(workspaceId, count);
        expect(Number.isInteger(lane) && lane >= 0 && lane < count).toBe(true);
      }),
    );
  });

  it.each<[string, (index: number) => string]>([
    ["numbered names", (index) => `workspace-${index}`],
    [
      "names that differ in their first character",
      (index) => `${String.fromCodePoint(0x100 + index)}-workspace`,
    ],
    ["UUIDs", (index) => `550e8400-e29b-41d4-a716-${index.toString(16).padStart(12, "0")}`],
  ])("spreads %s evenly", (_names, nameOf) => {
    const countByLane = Array.from({ length: 16 }, () => 0);
    for (let index = 0; index < 16_000; index++) {
      const lane = laneOf(nameOf(index), 16);
      countByLane[lane] = (countByLane[lane] ?? 0) + 1;
    }
    // 1000 each, give or take five standard deviations.
    expect(Math.min(...countByLane)).toBeGreaterThan(840);
    expect(Math.max(...countByLane)).toBeLessThan(1_160);
  });

  it.each([1, 2, 16, 1024, 65536])("can be one of %d", (count) => {
    expect(isLaneCount(count)).toBe(true);
  });

  it.each([0, -1, -16, 3, 12, 1.5, 131072, 2 ** 32, NaN, Infinity])("cannot be one of %d", (count) => {
    expect(isLaneCount(count)).toBe(false);
  });
});
