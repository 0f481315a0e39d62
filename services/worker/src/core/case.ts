import type { AcceptedBatch, AcceptedOperation, Budget, Policies } from "@syncline/shared";
import type { WindowDraft } from "./window-draft.ts";
import type { WindowState } from "./window-state.ts";

/** What planning takes from outside, so that it stays pure. */
export interface PlanDeps {
  /** Makes a UUIDv7. */
  newId: () => string;
  /** How long the ledger remembers an operation; without it for ever. */
  ledgerRetentionMs?: number | undefined;
  /** How conflicts are decided where a batch does not say. */
  policies?: Policies | undefined;
  /** What is not to be judged but refused, with the reason, by {@link operationPosition} or {@link resolutionPosition}. */
  refusals?: ReadonlyMap<string, string>;
}

/** One operation, with everything that its answer depends on. */
export interface Case {
  batch: AcceptedBatch;
  operation: AcceptedOperation;
  /** Where its batch lies on the lane, and how far the lane had been answered when it was accepted. */
  entryId: string;
  answeredId: string;
  trace: Record<string, string>;
  state: WindowState;
  draft: WindowDraft;
  deps: PlanDeps;
  grouped: boolean;
  /** What the merges within its batch may still look at. */
  mergeBudget: Budget;
}
