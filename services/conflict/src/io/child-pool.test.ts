import { createLogger } from "@syncline/kit/telemetry";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { createChildPool } from "./child-pool.ts";

function createPool(bounds: { processesMax: number; waitingMax: number }, args: string[] = []) {
  const pool = createChildPool<{ what: string }, { kind: "answered"; pid: number }>({
    module: fileURLToPath(new URL("../testing/odd-child.mjs", import.meta.url)),
    args,
    heapFlags: [],
    ...bounds,
    log: createLogger({ service: "test", level: "fatal" }),
  });
  onTestFinished(() => pool.close());
  return pool;
}

test("a process answers one question after the other", async () => {
  const pool = createPool({ processesMax: 1, waitingMax: 9 });
  const answers = await Promise.all([1, 2, 3].map(() => pool.ask({ what: "answer" }, 20_000)));
  const [first] = answers;
  expect(first).toMatchObject({ kind: "answered", pid: expect.any(Number) });
  expect(answers).toEqual([first, first, first]);
});

test("a process that never answers is ended with its question, and the next question gets another process", async () => {
  const pool = createPool({ processesMax: 1, waitingMax: 9 });
  const before = await pool.ask({ what: "answer" }, 20_000);
  expect(await pool.ask({ what: "loop" }, 50)).toEqual({ kind: "hung" });
  const after = await pool.ask({ what: "answer" }, 20_000);
  expect(after).toMatchObject({ kind: "answered" });
  expect(after).not.toEqual(before);
  expect(await pool.ask({ what: "end" }, 20_000)).toEqual({ kind: "ended" });
  expect(await pool.ask({ what: "answer" }, 20_000)).toMatchObject({ kind: "answered" });
});

test("questions over the waiting limit are rejected", async () => {
  const pool = createPool({ processesMax: 1, waitingMax: 1 });
  const asked = [1, 2, 3].map(() => pool.ask({ what: "answer" }, 20_000));
  expect((await Promise.all(asked)).map(({ kind }) => kind)).toEqual(["answered", "answered", "busy"]);
});

test("a process that does not start is told apart from one that ends at its question", async () => {
  const pool = createPool({ processesMax: 1, waitingMax: 1 }, ["end"]);
  expect(await pool.ask({ what: "answer" }, 20_000)).toEqual({ kind: "unstarted" });
});
