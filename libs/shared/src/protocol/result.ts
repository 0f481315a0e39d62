import type { Seq, Version } from "../ids/ids.ts";
import type { ErrorAction, ErrorType } from "./operation-errors.ts";
import type { JsonObject } from "../document/json.ts";
import type { DecisionChoice } from "./lane-entry.ts";
import type { MetStatus } from "./ledger-row.ts";

export const RESULT_STATUSES = ["success", "conflict", "error", "skipped", "pending"] as const;
/** The status of one operation. `conflict` and `error` are final; only `pending` changes. */
export type ResultStatus = (typeof RESULT_STATUSES)[number];

/**
 * The details of a conflict for the device that caused it. Versions are the document's; `conflict_id` names the
 * record.
 */
export interface ConflictData {
  expected_version: number | null;
  current_version: number;
  conflict_id?: string;
  /**
   * The record's status at the answer: `open`, it is being merged; `parked`, it waits for a person; `reported`, it is left
   * to the device.
   */
  conflict_status?: MetStatus;
}

/** The result of one operation, as sent to the client. */
export interface OperationResult {
  client_id: string;
  status: ResultStatus;
  document_id?: string;
  version?: Version;
  seq?: Seq;
  /** Set if a merge made this success. */
  merged?: true;
  /** The choice, if a person's decision resolved the operation. */
  decided?: DecisionChoice;
  /** The record of the conflict that was merged, or decided. */
  conflict_id?: string;
  /** The number of places that both sides had changed, if a merge made this success. */
  overlaps?: number;
  /** The number of rounds that the merge took. */
  rounds?: number;
  /** Set if this is the recorded result of an operation that was sent before. */
  replayed?: true;
  /**
   * The document at `version`, `null` if it was deleted there. An answer adds it to the result of a merge or a
   * decision, so that no client knows such a version without its content. It is not stored with the result.
   */
  data?: JsonObject | null;
  /** Set instead of `version` and `data`: the client must read the document. */
  read_again?: true;
  /** A sentence for people; clients must not parse it. */
  error?: string;
  /** The stable name of the reason for an `error`. */
  error_type?: ErrorType;
  /** The client's next step after an `error` or a `conflict`. */
  action?: ErrorAction;
  conflict_data?: ConflictData;
}

export const BATCH_STATUSES = ["pending", "syncing", "completed", "failed", "partial"] as const;
export type BatchStatus = (typeof BATCH_STATUSES)[number];

/** The answer to a batch; results are in the order of the request. */
export interface BatchResult {
  batch_id: string;
  status: BatchStatus;
  total: number;
  successful: number;
  failed: number;
  processing_time_ms: number;
  results: OperationResult[];
}

/** Returns the status of a drained batch, from the results of its operations. */
export function batchStatus(results: readonly OperationResult[]): BatchStatus {
  const successful = results.filter((result) => result.status === "success").length;
  if (results.some((result) => result.status === "pending")) return "syncing";
  if (successful === results.length) return "completed";
  return successful === 0 ? "failed" : "partial";
}

/** Reports whether every operation of a batch has its final result. */
export function isFinal(results: readonly OperationResult[]): boolean {
  return results.every((result) => result.status !== "pending");
}
