import { createLogger } from "@syncline/kit/telemetry";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { createChildPool } from "./child-pool.ts";

/** Only ends a test that hangs. */
const PATIENT = { waitMsMax: 60_000 };

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
  const answers = await Promise.all([1, 2, 3].map(() => pool.ask({ what: "answer" }, PATIENT)));
  const [first] = answers;
  expect(first).toMatchObject({ kind: "answered", pid: expect.any(Number) });
  expect(answers).toEqual([first, first, first]);
});

test("a process that never answers is ended with its question, and the next question gets another process", async () => {
  const pool = createPool({ processesMax: 1, waitingMax: 9 });
  const before = await pool.ask({ what: "answer" }, PATIENT);
  expect(await pool.ask({ what: "sleep" }, { waitMsMax: 50 })).toEqual({ kind: "hung" });
  const after = await pool.ask({ what: "answer" }, PATIENT);
  expect(after).toMatchObject({ kind: "answered" });
  expect(after).not.toEqual(before);
  expect(await pool.ask({ what: "end" }, PATIENT)).toEqual({ kind: "ended" });
  expect(await pool.ask({ what: "answer" }, PATIENT)).toMatchObject({ kind: "answered" });
});

test("a process that takes too much CPU time is ended, and one that waits for its turn is not", async () => {
  const pool = createPool({ processesMax: 1, waitingMax: 9 });
  expect(await pool.ask({ what: "loop" }, { ...PATIENT, cpuMsMax: 50 })).toEqual({ kind: "costly" });
  const slow = pool.ask({ what: "sleep and answer" }, { ...PATIENT, cpuMsMax: 300 });
  // Only Linux tells the CPU time of another process.
  expect(await slow).toMatchObject({ kind: process.platform === "linux" ? "answered" : "costly" });
});

test("questions over the waiting limit are rejected", async () => {
  const pool = createPool({ processesMax: 1, waitingMax: 1 });
  const asked = [1, 2, 3].map(() => pool.ask({ what: "answer" }, PATIENT));
  expect((await Promise.all(asked)).map(({ kind }) => kind)).toEqual(["answered", "answered", "busy"]);
});

test("a process that does not start is told apart from one that ends at its question", async () => {
  const pool = createPool({ processesMax: 1, waitingMax: 1 }, ["end"]);
  expect(await pool.ask({ what: "answer" }, PATIENT)).toEqual({ kind: "unstarted" });
});
