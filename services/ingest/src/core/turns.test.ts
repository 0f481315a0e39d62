import { expect, it } from "vitest";
import { Turns } from "./turns.ts";

/** Creates tasks that end on request; `begun` is the order in which they began. */
function createTasks() {
  const begun: string[] = [];
  const endByName = new Map<string, () => void>();
  const task = (name: string) => () => {
    begun.push(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    endByName.set(name, resolve);
    return promise;
  };
  const end = async (name: string) => {
    endByName.get(name)?.();
    await new Promise(setImmediate);
  };
  return { begun, task, end };
}

it("lets holders take turns, and keeps the order of one holder's tasks", async () => {
  const turns = new Turns(1);
  const { begun, task, end } = createTasks();
  for (const name of ["a1", "a2", "a3", "b1", "b2", "c1"]) void turns.run(name.charAt(0), task(name));
  for (const name of ["a1", "a2", "b1", "c1", "a3", "b2"]) await end(name);
  expect(begun).toEqual(["a1", "a2", "b1", "c1", "a3", "b2"]);
});

it("runs tasks up to the limit at once, and continues after a failing one", async () => {
  const turns = new Turns(2);
  const { begun, task, end } = createTasks();
  const failed = turns.run("a", () => Promise.reject(new Error("no")));
  void turns.run("a", task("a2"));
  void turns.run("a", task("a3"));
  await expect(failed).rejects.toThrow("no");
  expect(begun).toEqual(["a2", "a3"]);
  const last = turns.run("b", task("b1"));
  expect(begun).toEqual(["a2", "a3"]);
  await end("a2");
  expect(begun).toEqual(["a2", "a3", "b1"]);
  await end("b1");
  await end("a3");
  await last;
});
