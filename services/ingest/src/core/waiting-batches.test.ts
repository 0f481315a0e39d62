import type { OperationResult, ResultStatus } from "@syncline/shared/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WaitingBatches } from "./waiting-batches.ts";

const LONG_MS = 30_000;
const BATCH = { workspaceId: "w", deviceId: "dev_1", batchId: "b1" };

const result = (clientId: string, status: ResultStatus): OperationResult => ({ client_id: clientId, status });
const done = result("op_1", "success");
const pending = result("op_2", "pending");
const settled: OperationResult = { client_id: "op_2", status: "success", merged: true };

let waiting: WaitingBatches;
beforeEach(() => {
  vi.useFakeTimers();
  waiting = new WaitingBatches();
});
afterEach(() => {
  expect(waiting.list(), "a wait that ended is forgotten").toEqual([]);
  expect(vi.getTimerCount(), "a wait that ended leaves no timer").toBe(0);
  vi.useRealTimers();
});

describe("a request that waits for its batch", () => {
  it("is answered with the reply", async () => {
    const wait = waiting.wait(BATCH, LONG_MS);
    waiting.onBatch("b1", [done]);
    expect(await wait.results).toEqual([done]);
  });

  it("is not answered with another batch's reply", async () => {
    const wait = waiting.wait(BATCH, LONG_MS);
    const other = waiting.wait({ ...BATCH, batchId: "b2" }, LONG_MS);
    waiting.onBatch("b2", [done]);
    waiting.onBatch("unknown", [done]);
    expect(waiting.list()).toEqual([expect.objectContaining(BATCH)]);
    expect(await other.results).toEqual([done]);
    wait.cancel();
    expect(await wait.results).toBeUndefined();
  });

  it("keeps waiting while an operation is pending, and is answered once it is resolved", async () => {
    const wait = waiting.wait(BATCH, LONG_MS);
    waiting.onBatch("b1", [done, pending, result("op_3", "pending")]);
    waiting.onSettled(BATCH, settled);
    expect(waiting.list()).toHaveLength(1);
    waiting.onSettled(BATCH, result("op_3", "conflict"));
    expect(await wait.results).toEqual([done, settled, result("op_3", "conflict")]);
  });

  it("is answered by a later poll of the status if the notification got lost", async () => {
    const wait = waiting.wait(BATCH, LONG_MS);
    waiting.onBatch("b1", [done, pending]);
    waiting.onBatch("b1", [done, settled]);
    expect(await wait.results).toEqual([done, settled]);
  });

  it("ignores an operation with the same id of another device or workspace", async () => {
    const wait = waiting.wait(BATCH, LONG_MS);
    waiting.onBatch("b1", [pending]);
    waiting.onSettled({ ...BATCH, deviceId: "dev_2" }, settled);
    waiting.onSettled({ ...BATCH, workspaceId: "w2" }, settled);
    wait.cancel();
    expect(await wait.results).toEqual([pending]);
  });

  it("keeps an answer that is already final", async () => {
    const wait = waiting.wait(BATCH, LONG_MS);
    waiting.onBatch("b1", [done, pending, result("op_3", "pending")]);
    waiting.onSettled(BATCH, { ...done, status: "error" });
    waiting.onSettled(BATCH, settled);
    waiting.onSettled(BATCH, result("op_2", "error"));
    waiting.onSettled(BATCH, result("op_3", "success"));
    expect(await wait.results).toEqual([done, settled, result("op_3", "success")]);
  });

  it("is answered together with all others that wait for the same operation, which is a replay for them", async () => {
    const first = waiting.wait(BATCH, LONG_MS);
    const resend = waiting.wait({ ...BATCH, batchId: "b2" }, LONG_MS);
    waiting.onBatch("b1", [pending]);
    waiting.onBatch("b2", [done, pending]);
    waiting.onSettled(BATCH, settled);
    expect(await first.results).toEqual([settled]);
    expect(await resend.results).toEqual([done, { ...settled, replayed: true }]);
  });

  it("gets no results if no reply came in time", async () => {
    const wait = waiting.wait(BATCH, LONG_MS);
    vi.advanceTimersByTime(LONG_MS - 1);
    expect(waiting.list()).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(await wait.results).toBeUndefined();
  });

  it("gets the known results when its time is up", async () => {
    const wait = waiting.wait(BATCH, LONG_MS);
    waiting.onBatch("b1", [done, pending]);
    vi.advanceTimersByTime(LONG_MS);
    expect(await wait.results).toEqual([done, pending]);
    waiting.onSettled(BATCH, settled);
  });

  it("can give up repeatedly", async () => {
    const wait = waiting.wait(BATCH, LONG_MS);
    wait.cancel();
    wait.cancel();
    expect(await wait.results).toBeUndefined();
    waiting.onBatch("b1", [done]);
  });

  it("does not end other waits when it gives up", async () => {
    const first = waiting.wait(BATCH, LONG_MS);
    const second = waiting.wait({ ...BATCH, batchId: "b2" }, LONG_MS);
    waiting.onBatch("b1", [pending]);
    waiting.onBatch("b2", [pending]);
    first.cancel();
    waiting.onSettled(BATCH, settled);
    expect(await second.results).toEqual([{ ...settled, replayed: true }]);
  });
});

describe("a process that stops", () => {
  it("answers every waiting request with the known results", async () => {
    const silent = waiting.wait(BATCH, LONG_MS);
    const halfway = waiting.wait({ ...BATCH, batchId: "b2" }, LONG_MS);
    waiting.onBatch("b2", [done, pending]);
    waiting.close();
    expect(await silent.results).toBeUndefined();
    expect(await halfway.results).toEqual([done, pending]);
  });

  it("lets no further request wait", async () => {
    waiting.close();
    const late = waiting.wait(BATCH, LONG_MS);
    vi.advanceTimersByTime(0);
    expect(await late.results).toBeUndefined();
  });
});
