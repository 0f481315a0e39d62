import { NEW_WORKSPACE, type DocumentRow, type Operation } from "../core/rows.ts";
import { endDecision } from "../core/end-decision.ts";
import { endWith } from "../core/end-operations.ts";
import { move } from "../core/draft.ts";
import { unitsOf } from "../core/settle-results.ts";
import type { Attempt } from "./engine-context.ts";

/**
 * Takes a workspace off the device whose access is lost: in one commit its operations become outcomes with their data,
 * and its documents leave.
 */
export async function loseAccess(attempt: Attempt, reason: string): Promise<void> {
  const { parts, workspace } = attempt;
  const names = (await parts.database.storage.range("documents", { prefix: [workspace] })).map(
    ({ value }) => {
      const { collection, id } = value as DocumentRow;
      return `${collection}\n${id}`;
    },
  );
  const outcomes = await attempt.commit(
    (draft) => {
      for (const unit of unitsOf([...draft.outbox.values()])) {
        const mayBeApplied = unit.some(({ state }: Operation) => state !== "queued");
        for (const operation of unit) move(draft, operation, "ended");
        endWith(draft, unit, { code: "accessLost", reason, ...(mayBeApplied ? { mayBeApplied } : {}) });
      }
      for (const decision of draft.row.decisions) endDecision(draft, decision, "accessLost", reason);
      // A document that never leaves the device is not the workspace's to take.
      for (const [name, row] of draft.documents) if (row.base?.version !== 0) draft.documents.delete(name);
      const { generation, paused } = draft.row;
      draft.row = { ...NEW_WORKSPACE, generation, paused };
      return [...draft.outcomes];
    },
    { documents: names, allOperations: true },
  );
  attempt.movePull("forgotten");
  if (names.length > 0 || outcomes.length > 0) parts.emit("accessLost", { workspace, outcomes });
}
