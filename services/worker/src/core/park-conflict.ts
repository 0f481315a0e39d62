import type { Resolution } from "@syncline/shared/protocol";
import { decidedBy, settleHeld, type Park, type Settled } from "./settle-held.ts";
import type { WindowDraft } from "./window-draft.ts";
import type { ConflictWrite } from "./window-plan.ts";

/**
 * Parks a conflict. Parked is final for the device's answer; the record keeps all inputs for the person who
 * decides.
 */
export function parkConflict(
  draft: WindowDraft,
  conflict: ConflictWrite,
  outcome: Park,
  resolution: Pick<Resolution, "hook" | "strategy">,
): Settled {
  const { conflicts } = draft;
  conflicts.roundsTaken.push(conflict.round);
  conflicts.update("parked", {
    ...conflict,
    ...decidedBy(conflict, resolution),
    result: outcome.proposed,
    overlapList: outcome.overlaps,
    reason: outcome.reason,
  });
  const parked = {
    status: "conflict",
    error: outcome.reason,
    errorType: "parked",
    conflictStatus: "parked",
  } as const;
  return {
    settled: conflicts.run(conflict.conflictId).map((held) => settleHeld(draft, conflict, held, parked)),
  };
}
