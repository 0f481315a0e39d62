import { SpanStatusCode, TraceFlags, type Context } from "@opentelemetry/api";
import type { ReadableSpan, Span, SpanProcessor } from "@opentelemetry/sdk-trace";

/** The maximum number of traces with held spans: spans that end after their root would be held indefinitely. */
const HELD_TRACES_MAX = 2_000;

interface HeldTrace {
  spans: ReadableSpan[];
  failed: boolean;
}

/**
 * Keeps notable traces that the sampler dropped: exports this process's part of a trace if one of its spans failed or
 * was marked as notable before the first of them ends. For that, the spans of every trace are recorded, and discarded
 * if none is notable. Other processes decide for their own parts.
 */
export class NotableSpanProcessor implements SpanProcessor {
  readonly #next: SpanProcessor;
  readonly #heldByTraceId = new Map<string, HeldTrace>();

  constructor(next: SpanProcessor) {
    this.#next = next;
  }

  onStart(span: Span, parentContext: Context): void {
    this.#next.onStart(span, parentContext);
  }

  onEnd(span: ReadableSpan): void {
    const { traceId, traceFlags } = span.spanContext();
    const isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
    const isFirst = span.parentSpanContext === undefined || span.parentSpanContext.isRemote === true;
    if (isSampled && !isFirst) return this.#next.onEnd(span);
    const held = this.#heldByTraceId.get(traceId) ?? { spans: [], failed: false };
    held.spans.push(span);
    held.failed ||= span.status.code === SpanStatusCode.ERROR;
    if (!isFirst) return this.#hold(traceId, held);
    this.#heldByTraceId.delete(traceId);
    if (!isSampled && !held.failed) return;
    for (const one of held.spans) {
      one.spanContext().traceFlags |= TraceFlags.SAMPLED;
      this.#next.onEnd(one);
    }
  }

  forceFlush(): Promise<void> {
    return this.#next.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#next.shutdown();
  }

  #hold(traceId: string, held: HeldTrace): void {
    this.#heldByTraceId.set(traceId, held);
    if (this.#heldByTraceId.size <= HELD_TRACES_MAX) return;
    const [oldest = ""] = this.#heldByTraceId.keys();
    this.#heldByTraceId.delete(oldest);
  }
}
