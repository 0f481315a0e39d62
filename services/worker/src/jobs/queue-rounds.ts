import { carrierOf, extractTrace, notable, SpanKind, startSpan } from "@syncline/kit/telemetry";
import type { ConflictQueue } from "@syncline/lanes/queues";
import type { ConflictRound } from "../core/window-plan.ts";

/** Enqueues merge attempts, each in the trace of its operation, which is sampled from here on. */
export async function queueRounds(queue: ConflictQueue, rounds: readonly ConflictRound[]): Promise<void> {
  const spans = rounds.map(({ conflictId, round, trace }) =>
    startSpan("queue conflict", {
      kind: SpanKind.PRODUCER,
      parent: extractTrace(notable(trace)),
      attributes: {
        "messaging.system": "bullmq",
        "messaging.destination.name": "conflict",
        "messaging.operation.name": "queue",
        "messaging.operation.type": "send",
        "syncline.conflict_id": conflictId,
        "syncline.round": round,
      },
    }),
  );
  try {
    const jobs = rounds.map((round, index) => {
      const span = spans[index];
      return { ...round, trace: span === undefined ? round.trace : carrierOf(span, round.trace) };
    });
    await queue.request(jobs);
  } finally {
    for (const span of spans) span.end();
  }
}
