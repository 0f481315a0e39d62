import { expect, it } from "vitest";
import { inSlices, mapInSlices } from "./in-slices.ts";

it("steps that take long let others have their turn, and come to their end", async () => {
  const others = { turns: 0, ended: false };
  const count = () => {
    others.turns += 1;
    if (!others.ended) setImmediate(count);
  };
  setImmediate(count);
  const outcome = await inSlices(
    (function* () {
      // Until the others have had some: steps that never gave way would go on for ever.
      while (others.turns < 3) yield;
      return "done";
    })(),
  );
  others.ended = true;
  expect(outcome).toBe("done");
});

it("items are mapped in their order, and a failure is the caller's", async () => {
  await expect(mapInSlices([1, 2, 3], (n) => n * 2)).resolves.toEqual([2, 4, 6]);
  await expect(
    mapInSlices([1], () => {
      throw new Error("no");
    }),
  ).rejects.toThrow("no");
});
