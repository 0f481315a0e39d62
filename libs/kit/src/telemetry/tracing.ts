import {
  context,
  INVALID_SPAN_CONTEXT,
  propagation,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Link,
  type Span,
  type SpanOptions,
} from "@opentelemetry/api";
import { SynclineError } from "@syncline/shared/protocol";

export { SpanKind, type Attributes, type Context as TraceContext, type Span } from "@opentelemetry/api";

/** W3C trace context in a stream entry, a job or a conflict record. */
export type TraceCarrier = Record<string, string>;

const tracer = () => trace.getTracer("syncline");

/** The active trace context for a message. Empty without an active trace. */
export function injectTrace(): TraceCarrier {
  const carrier: TraceCarrier = {};
  propagation.inject(context.active(), carrier);
  return carrier;
}

/** The trace id of a carrier, for a log line. */
export function traceIdOf(carrier: TraceCarrier): string | undefined {
  // A W3C traceparent: version, trace id, parent id, flags.
  return carrier["traceparent"]?.split("-")[1];
}

/** The context of a carrier, the parent of spans for its work. */
export function extractTrace(carrier: TraceCarrier): Context {
  return propagation.extract(ROOT_CONTEXT, carrier);
}

/** The context of a span for a message; the previous carrier if the span has no context. */
export function carrierOf(span: Span, before: TraceCarrier): TraceCarrier {
  const carrier: TraceCarrier = {};
  propagation.inject(contextOf(span), carrier);
  return "traceparent" in carrier ? carrier : before;
}

/** The duration from which a span is notable. */
export const SLOW_MS = 1_000;

/**
 * Marks a span, and the later spans of its trace in this process, as worth keeping whatever the sampler decides: an
 * operator will look for its cause. Failed spans are kept without this.
 */
export function markNotable(span: Span): void {
  span.setAttribute("syncline.notable", true);
  if (span.isRecording()) span.spanContext().traceFlags |= TraceFlags.SAMPLED;
}

/** A carrier whose trace is kept from here on, whatever the sampler decides. */
export function notable(carrier: TraceCarrier): TraceCarrier {
  const { traceparent } = carrier;
  return traceparent === undefined
    ? carrier
    : { ...carrier, traceparent: traceparent.replace(/-00$/, "-01") };
}

/** The context for work on behalf of a span. */
export function contextOf(span: Span): Context {
  return trace.setSpan(ROOT_CONTEXT, span);
}

/**
 * Runs a function on behalf of several traces: in the trace of the first, to which the spans of the others are linked.
 */
export function inSharedContext<T>(contexts: readonly Context[], run: () => T): T {
  const [first = ROOT_CONTEXT, ...others] = contexts;
  const span = trace.getSpan(first);
  if (span !== undefined) for (const other of others) trace.getSpan(other)?.addLink(linkToSpan(span));
  return context.with(first, run);
}

/** The active span; a non-recording span if there is none. */
export function activeSpan(): Span {
  return trace.getActiveSpan() ?? trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
}

/** A link to the span of a context, if it has one. */
export function linksTo(context: Context): Link[] {
  const spanContext = trace.getSpanContext(context);
  return spanContext === undefined ? [] : [{ context: spanContext }];
}

/** A link to a span. */
export function linkToSpan(span: Span): Link {
  return { context: span.spanContext() };
}

/** Runs a function in a span. An error marks the span and is rethrown. */
export async function inSpan<T>(
  name: string,
  options: SpanOptions & { parent?: Context },
  run: (span: Span) => Promise<T>,
): Promise<T> {
  const { parent, ...spanOptions } = options;
  return tracer().startActiveSpan(name, spanOptions, parent ?? context.active(), async (span) => {
    try {
      return await run(span);
    } catch (error) {
      markFailed(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Starts a span without making it active; the caller ends it. */
export function startSpan(name: string, options: SpanOptions & { parent?: Context }): Span {
  const { parent, ...spanOptions } = options;
  return tracer().startSpan(name, spanOptions, parent ?? context.active());
}

/** Marks a span as failed, with the error's name or code, and its attributes: its message may quote a payload. */
export function markFailed(span: Span, error: unknown): void {
  const type =
    error instanceof Error && "code" in error
      ? String(error.code)
      : error instanceof Error
        ? error.name
        : "error";
  span.setAttribute("error.type", type);
  if (error instanceof SynclineError) span.setAttributes(error.attributes);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
