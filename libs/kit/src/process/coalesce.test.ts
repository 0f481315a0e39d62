import { expect, it } from "vitest";
import { createCoalescer } from "./coalesce.ts";

/** A task whose runs end when the test says so. */
function createTask() {
  const ends: PromiseWithResolvers<void>[] = [];
  const run = () => {
    const end = Promise.withResolvers<void>();
    ends.push(end);
    return end.promise;
  };
  return { run, ends };
}

it("shares one run among all calls during another run, and begins it after that one", async () => {
  const coalesce = createCoalescer();
  const { run, ends } = createTask();
  const first = coalesce("a", run);
  const others = [coalesce("a", run), coalesce("a", run)];
  expect(ends).toHaveLength(1);
  ends[0]?.resolve();
  await first;
  await expect.poll(() => ends.length).toBe(2);
  ends[1]?.resolve();
  await Promise.all(others);
  expect(ends).toHaveLength(2);
});

it("runs again for a call after a run, and separately for each key", async () => {
  const coalesce = createCoalescer();
  const { run, ends } = createTask();
  const runs = [coalesce("a", run), coalesce("b", run)];
  expect(ends).toHaveLength(2);
  for (const end of ends) end.resolve();
  await Promise.all(runs);
  void coalesce("a", run);
  expect(ends).toHaveLength(3);
});

it("rejects the calls of a failed run only, and continues", async () => {
  const coalesce = createCoalescer();
  const { run, ends } = createTask();
  const first = coalesce("a", run);
  const second = coalesce("a", run);
  ends[0]?.reject(new Error("no"));
  await expect(first).rejects.toThrow("no");
  await expect.poll(() => ends.length).toBe(2);
  ends[1]?.resolve();
  await second;
});
