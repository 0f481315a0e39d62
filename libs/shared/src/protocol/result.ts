import type { JsonObject } from "../json/json.ts";
import type { DecisionChoice } from "./lane-entry.ts";

/** How one operation stands. `conflict` and `error` are final answers; `pending` is the only one that changes. */
export type ResultStatus = "success" | "conflict" | "error" | "skipped" | "pending";

/** What a conflict tells the device that caused it. Versions are the document's; `conflict_id` names the record. */
export interface ConflictData {
  expected_version: number | null;
  current_version: number;
  conflict_id?: string;
}

/** The answer to one operation, as it stands on the wire. */
export interface OperationResult {
  client_id: string;
  status: ResultStatus;
  document_id?: string;
  version?: number;
  seq?: number;
  /** A merge made this success. */
  merged?: true;
  /** A person's decision settled it: the choice. */
  decided?: DecisionChoice;
  /** The record of the conflict that was merged, or decided. */
  conflict_id?: string;
  /** How many places both sides had changed, where a merge made this success. */
  overlaps?: number;
  /** How many rounds the merge took. */
  rounds?: number;
  /** The recorded result of an operation that was sent before. */
  replayed?: true;
  /**
   * The document at `version`, `null` if it was deleted there. An answer adds it to what a merge or a decision settled, so
   * that nobody knows such a version without its content. It is not stored with the result.
   */
  data?: JsonObject | null;
  /** Stands in for `version` and `data`: read the document. */
  read_again?: true;
  /** A sentence for people; never parsed. */
  error?: string;
  /** A stable name for the reason of an `error`. */
  error_type?: string;
  conflict_data?: ConflictData;
}

export type BatchStatus = "pending" | "syncing" | "completed" | "failed" | "partial";

/** The answer to a batch: results stand in the order of the request. */
export interface BatchResult {
  batch_id: string;
  status: BatchStatus;
  total: number;
  successful: number;
  failed: number;
  processing_time_ms: number;
  results: OperationResult[];
}

/** Says how a drained batch stands, from the answers to its operations. */
export function batchStatus(results: readonly OperationResult[]): BatchStatus {
  const successful = results.filter((result) => result.status === "success").length;
  if (results.some((result) => result.status === "pending")) return "syncing";
  if (successful === results.length) return "completed";
  return successful === 0 ? "failed" : "partial";
}

/** Tells whether every operation of a batch has its final answer. */
export function isFinal(results: readonly OperationResult[]): boolean {
  return results.every((result) => result.status !== "pending");
}
