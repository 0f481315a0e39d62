import type { LedgerRow } from "@syncline/shared/protocol";
import type { Answer } from "./answer.ts";
import type { Case } from "./case.ts";
import { recordUnwritten } from "./record-answer.ts";
import type { StartedConflict } from "./conflicts-draft.ts";
import type { NewlyHeld } from "./window-state.ts";

/** The difference between the version that an operation names and the document's. */
export type Mismatch = Pick<LedgerRow, "error" | "errorType" | "expectedVersion" | "currentVersion">;

/** Answers `conflict`, and leaves the decision to the device. */
export function reportConflict(
  on: Case,
  { conflict, held }: { conflict: StartedConflict; held: NewlyHeld },
  mismatch: Mismatch,
): Answer {
  const reported = { ...conflict, refusedEntryId: on.entryId };
  const { conflictId } = conflict;
  const outcome = { status: "conflict", conflictId, conflictStatus: "reported", ...mismatch } as const;
  return recordUnwritten(on, outcome, () => on.draft.conflicts.open("reported", reported, [held]));
}
