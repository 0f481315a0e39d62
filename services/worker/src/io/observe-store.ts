import { createHistogram, SECONDS_BOUNDS } from "@syncline/kit/telemetry";
import { inPostgresSpan } from "@syncline/store";
import type { WindowStore } from "./window-store.ts";

/** Wraps a store so that its transactions are measured and its calls are traced. */
export function observeStore(store: WindowStore): WindowStore {
  const applies = createHistogram(
    "syncline.apply.duration",
    "Duration of a window's transaction, including failed ones",
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
