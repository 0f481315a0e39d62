import { describe, expect, it } from "vitest";
import { batchStatus, isFinal, type BatchStatus, type OperationResult, type ResultStatus } from "./result.ts";

const results = (...statuses: ResultStatus[]): OperationResult[] =>
  statuses.map((status, index) => ({ client_id: `op_${index}`, status }));

describe("the status of a batch", () => {
  it.each<[BatchStatus, ResultStatus[]]>([
    ["completed", ["success", "success"]],
    ["partial", ["success", "conflict"]],
    ["partial", ["error", "success", "skipped"]],
    ["failed", ["error"]],
    ["failed", ["conflict", "skipped", "error"]],
    ["syncing", ["success", "pending"]],
    ["syncing", ["error", "pending"]],
    ["syncing", ["pending", "pending"]],
  ])("is %s with the results %j", (status, statuses) => {
    expect(batchStatus(results(...statuses))).toBe(status);
  });

  it("is final when no result is pending, whatever the outcome", () => {
    expect(isFinal(results("success", "conflict", "error", "skipped"))).toBe(true);
    expect(isFinal(results("success", "pending"))).toBe(false);
  });
});
