import { expect, it } from "vitest";
import { inSlices, mapInSlices } from "./in-slices.ts";

it("long work yields to other tasks, and completes", async () => {
  const others = { turns: 0, ended: false };
  const count = () => {
    others.turns += 1;
    if (!others.ended) setImmediate(count);
  };
  setImmediate(count);
  const outcome = await inSlices(
    (function* () {
      // Ends after other tasks have run; work that never yields would run indefinitely.
      while (others.turns < 3) yield;
      return "done";
    })(),
  );
  others.ended = true;
  expect(outcome).toBe("done");
});

it("items are mapped in their order, and an error reaches the caller", async () => {
  await expect(mapInSlices([1, 2, 3], (n) => n * 2)).resolves.toEqual([2, 4, 6]);
  await expect(
    mapInSlices([1], () => {
      throw new Error("no");
    }),
  ).rejects.toThrow("no");
});
