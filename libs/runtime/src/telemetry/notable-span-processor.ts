import { SpanStatusCode, TraceFlags, type Context } from "@opentelemetry/api";
import type { ReadableSpan, Span, SpanProcessor } from "@opentelemetry/sdk-trace";

/** Most traces that spans are held of: what ends after its root would stay for ever. */
const HELD_TRACES_MAX = 2_000;

interface HeldTrace {
  spans: ReadableSpan[];
  failed: boolean;
}

/**
 * Keeps what the sampler would not: of a trace that was left out, this process's part is sent all the same where one of
 * its spans failed or was marked as notable by the time when the first of them ends. What that needs is recorded of every
 * trace, and let go when there was nothing to tell. Other processes decide by what they know.
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
