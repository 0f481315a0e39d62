import type { OperationResult, ResultStatus } from "@syncline/shared/protocol";
import { expect, it } from "vitest";
import { batchAnswer } from "./batch-answer.ts";

const results = (...statuses: ResultStatus[]): OperationResult[] =>
  statuses.map((status, index) => ({ client_id: `op_${index}`, status }));

it("counts pending operations neither as successful nor as failed", () => {
  const list = results("success", "pending", "conflict", "error", "skipped");
  expect(batchAnswer("b", list, { processingTimeMs: 12, drained: true })).toStrictEqual({
    batch_id: "b",
    status: "syncing",
    total: 5,
    successful: 1,
    failed: 3,
    processing_time_ms: 12,
    results: list,
  });
});

it("is pending as a whole until the batch is drained", () => {
  const list = results("pending", "pending");
  expect(batchAnswer("b", list, { processingTimeMs: 1, drained: false })).toMatchObject({
    status: "pending",
    total: 2,
    successful: 0,
    failed: 0,
  });
});
