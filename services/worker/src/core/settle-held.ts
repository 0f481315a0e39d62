import {
  assertInvariant,
  type MergeOutcome,
  type OperationContent,
  type Resolution,
} from "@syncline/shared/protocol";
import type { ChangeDraft } from "./change-draft.ts";
import { clientIdOf, contentOf, type Held } from "./device-run.ts";
import type { RowDraft } from "./ledger-draft.ts";
import type { WindowDraft } from "./window-draft.ts";
import type { ConflictRound, ConflictWrite, LedgerWrite } from "./window-plan.ts";

/** The outcome of a resolution: the operations that now have their final answer, and the next round, if any. */
export interface Settled {
  settled: RowDraft[];
  round?: ConflictRound;
}

export type Commit = Extract<MergeOutcome, { kind: "commit" }>;
export type Park = Extract<MergeOutcome, { kind: "park" }>;

/** Records another outcome for a held operation. */
export function settleHeld(
  { ledger }: WindowDraft,
  conflict: ConflictWrite,
  held: Held,
  outcome: Partial<LedgerWrite>,
  change: ChangeDraft | null = null,
): RowDraft {
  const known = ledger.find(conflict.workspaceId, conflict.deviceId, clientIdOf(held));
  assertInvariant(known !== undefined, "the ledger has no row of a held operation");
  const settled = { row: { ...known.row, ...outcome }, change };
  ledger.record(settled);
  return settled;
}

/** The hook and strategy that decided, as shown by the record. */
export function decidedBy(
  conflict: ConflictWrite,
  { hook, strategy = conflict.strategy }: Pick<Resolution, "hook" | "strategy">,
): Pick<ConflictWrite, "hook" | "strategy"> {
  return { hook: hook ?? null, strategy };
}

/** The content of a run's failing operation, for another try. */
export function sentAgainAs(conflict: ConflictWrite, held: Held): string {
  const { deviceDeclared, strategy: onConflict, hook, baseVersion } = conflict;
  const { expectedVersion, versionUnknown, ...operation } = contentOf(held);
  // A version of another epoch, or one that never existed, stays unknown.
  const isUnknown = expectedVersion === undefined || versionUnknown || baseVersion === null;
  const expected = isUnknown ? {} : { expectedVersion };
  const content: OperationContent = {
    operation: { ...operation, ...expected },
    deviceDeclared,
    // If a hook was to be called, the batch named no other strategy than the policy's.
    ...(hook === null && { onConflict }),
  };
  return JSON.stringify(content);
}
