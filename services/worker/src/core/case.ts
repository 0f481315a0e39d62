import type { Budget } from "@syncline/shared/document";
import type { Policies } from "@syncline/shared/merge";
import type { AcceptedBatch, AcceptedOperation } from "@syncline/shared/protocol";
import type { WindowDraft } from "./window-draft.ts";
import type { WindowState } from "./window-state.ts";

/** The external inputs of planning, which keep it pure. */
export interface PlanDeps {
  /** Makes a UUIDv7. */
  newId: () => string;
  /** The ledger's retention in milliseconds; `undefined`: indefinite. */
  ledgerRetentionMs?: number | undefined;
  /** The policies that decide conflicts if a batch names no strategy. */
  policies?: Policies | undefined;
  /**
   * Operations and resolutions to refuse without evaluation, with the reason, by {@link operationPosition} or
   * {@link resolutionPosition}.
   */
  refusals?: ReadonlyMap<string, string>;
}

/** One operation, with everything that its answer depends on. */
export interface Case {
  batch: AcceptedBatch;
  operation: AcceptedOperation;
  /**
   * The position of its batch on the lane; `answeredId` is the position up to which the lane was answered when the
   * batch was accepted.
   */
  entryId: string;
  answeredId: string;
  trace: Record<string, string>;
  state: WindowState;
  draft: WindowDraft;
  deps: PlanDeps;
  grouped: boolean;
  /** The remaining budget for the merges within its batch. */
  mergeBudget: Budget;
}

/** The unit that takes effect together; a fold never crosses its edge. */
export function unitOf({ batch, operation }: Case): string | undefined {
  return batch.atomic ? batch.batchId : operation.group && `${batch.batchId}/${operation.group}`;
}
