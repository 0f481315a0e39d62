import { createGauge, observe } from "@syncline/kit/telemetry";
import type { PgConflicts } from "./pg-conflicts.ts";

/** Observes the unresolved conflicts. Every process reports the same numbers: take the largest, never the sum. */
export function observeConflicts({ countUnsettled }: Pick<PgConflicts, "countUnsettled">): void {
  const conflicts = createGauge(
    "syncline.conflicts.unsettled",
    "Conflicts that are being merged (open) or wait for a person (parked). Take max, not sum",
    "{conflict}",
  );
  const held = createGauge(
    "syncline.operations.held",
    "Operations in unresolved conflicts, including those held behind them. Take max, not sum",
    "{operation}",
  );
  observe([conflicts, held], async (result) => {
    const counted = await countUnsettled();
    for (const status of ["open", "parked"] as const) {
      const found = counted.find((row) => row.status === status);
      const attributes = { "syncline.conflict.status": status };
      result.observe(conflicts, found?.conflicts ?? 0, attributes);
      result.observe(held, found?.operations ?? 0, attributes);
    }
  });
}
