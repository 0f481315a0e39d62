import {
  carrierOf,
  contextOf,
  extractTrace,
  linksTo,
  linkToSpan,
  markFailed,
  markNotable,
  SLOW_MS,
  SpanKind,
  startSpan,
  type Span,
  type TraceContext,
} from "@syncline/kit/telemetry";
import { laneAttributes } from "@syncline/lanes";
import {
  batchStatus,
  type LaneEntry,
  type OperationResult,
  type StoredEntry,
} from "@syncline/shared/protocol";
import type { WindowPlan } from "../core/window-plan.ts";

/** The trace of a drain. */
export interface DrainTrace {
  /** The window's entries with the drain's trace context, so that later spans are children of their application. */
  entries: StoredEntry[];
  context: TraceContext;
  /** Records a committed plan, which may contain other windows, too. */
  committed: (plan: WindowPlan) => void;
  failed: (error: unknown) => void;
  end: (durationMs: number) => void;
}

/**
 * Gives the drain of a window a trace of its own, linked to the traces of all its entries. Each of those has a span
 * for its application, linked back to the drain.
 */
export function traceDrain(lane: number, entries: readonly StoredEntry[]): DrainTrace {
  const origins = entries.map(({ entry }) => extractTrace(entry.trace));
  const span = startSpan("drain lane", {
    kind: SpanKind.CONSUMER,
    attributes: {
      ...laneAttributes(lane, { name: "drain", type: "process" }),
      "messaging.batch.message_count": entries.length,
    },
    links: origins.flatMap(linksTo),
    root: true,
  });
  const applySpans = entries.map(({ entry }, index) =>
    startApplySpan(entry, { lane, drain: span, parent: origins[index] }),
  );
  const operations = { success: 0, conflict: 0, error: 0, skipped: 0, pending: 0 };
  return {
    entries: entries.map(withTraceOf(applySpans)),
    context: contextOf(span),
    committed(plan) {
      if (!span.isRecording()) return;
      span.addEvent("committed");
      for (const { status } of notifyOutcomes(entries, applySpans, plan)) operations[status] += 1;
    },
    failed(error) {
      for (const failed of [span, ...applySpans]) markFailed(failed, error);
    },
    end(durationMs) {
      for (const [status, count] of Object.entries(operations)) {
        if (count > 0) span.setAttribute(`syncline.operations.${status}`, count);
      }
      const isSlow = durationMs > SLOW_MS;
      const { success: _, ...notable } = operations;
      if (isSlow || Object.values(notable).some((count) => count > 0)) markNotable(span);
      for (const applied of applySpans) {
        if (isSlow) markNotable(applied);
        applied.end();
      }
      span.end();
    },
  };
}

function startApplySpan(
  entry: LaneEntry,
  { lane, drain, parent }: { lane: number; drain: Span; parent: TraceContext | undefined },
): Span {
  const isBatch = entry.kind === "batch";
  return startSpan(isBatch ? "apply batch" : "apply resolution", {
    kind: SpanKind.CONSUMER,
    ...(parent && { parent }),
    links: [linkToSpan(drain)],
    attributes: {
      ...laneAttributes(lane, { name: "apply", type: "process" }),
      ...(isBatch
        ? { "syncline.batch_id": entry.batch.batchId }
        : {
            "syncline.conflict_id": entry.resolution.conflictId,
            "syncline.round": entry.resolution.round,
          }),
    },
  });
}

function withTraceOf(spans: readonly Span[]): (stored: StoredEntry, index: number) => StoredEntry {
  return (stored, index) => {
    const span = spans[index];
    if (span === undefined) return stored;
    return { ...stored, entry: { ...stored.entry, trace: carrierOf(span, stored.entry.trace) } };
  };
}

/**
 * Sets each batch's status on its span, and marks spans of incomplete batches as notable.
 * @returns the results of all operations that the plan decided for these entries
 */
function notifyOutcomes(
  entries: readonly StoredEntry[],
  spans: readonly Span[],
  plan: WindowPlan,
): OperationResult[] {
  const resultsByBatchId = new Map(plan.batches.map(({ batchId, results }) => [batchId, results]));
  return entries.flatMap(({ entry }, index) => {
    const results = entry.kind === "batch" ? resultsByBatchId.get(entry.batch.batchId) : undefined;
    if (results === undefined) return [];
    const status = batchStatus(results);
    const span = spans[index];
    span?.setAttribute("syncline.batch.status", status);
    if (span !== undefined && status !== "completed") markNotable(span);
    return results;
  });
}
