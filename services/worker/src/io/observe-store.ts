import { createHistogram, inPostgresSpan, SECONDS_BOUNDS } from "@syncline/runtime";
import type { WindowStore } from "./pg-store.ts";

/** A store as it was, with its transactions measured, and all that it does seen in traces. */
export function observeStore(store: WindowStore): WindowStore {
  const applies = createHistogram(
    "syncline.apply.duration",
    "How long the transaction of a window took, failed ones included",
    { unit: "s", bounds: SECONDS_BOUNDS },
  );
  return {
    read: (...window) => inPostgresSpan("read window", () => store.read(...window)),
    readHistory: (...history) => inPostgresSpan("read history", () => store.readHistory(...history)),
    findLocked: (entries) => inPostgresSpan("find locked", () => store.findLocked(entries)),
    dryRun: (plan) => inPostgresSpan("dryRun window", () => store.dryRun(plan)),
    async commit(plan) {
      const startedAtMs = performance.now();
      try {
        await inPostgresSpan("commit window", () => store.commit(plan));
      } finally {
        applies.record((performance.now() - startedAtMs) / 1_000);
      }
    },
  };
}
