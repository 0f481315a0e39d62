import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Context,
  type Link,
  type Span,
  type SpanOptions,
} from "@opentelemetry/api";

export { SpanKind, type Attributes, type Span } from "@opentelemetry/api";

/** W3C trace context as it travels in a stream entry, a job or a conflict record. */
export type TraceCarrier = Record<string, string>;

const tracer = () => trace.getTracer("syncline");

/** The active trace context, to send along. Empty where nothing is traced. */
export function injectTrace(): TraceCarrier {
  const carrier: TraceCarrier = {};
  propagation.inject(context.active(), carrier);
  return carrier;
}

/** The context that a carrier came from, the parent of what is done on its behalf. */
export function extractTrace(carrier: TraceCarrier): Context {
  return propagation.extract(ROOT_CONTEXT, carrier);
}

/** A link to the span that a carrier came from. */
export function linkTo(carrier: TraceCarrier): Link[] {
  const spanContext = trace.getSpanContext(extractTrace(carrier));
  return spanContext === undefined ? [] : [{ context: spanContext }];
}

/** A link to a span. */
export function linkToSpan(span: Span): Link {
  return { context: span.spanContext() };
}

/** Runs a function inside a span; an error marks the span and goes on. */
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

/** Starts a span that is not the active one; whoever starts it ends it. */
export function startSpan(name: string, options: SpanOptions & { parent?: Context }): Span {
  const { parent, ...spanOptions } = options;
  return tracer().startSpan(name, spanOptions, parent ?? context.active());
}

/** Marks a span as failed, by the error's name and code: its message may quote a payload. */
export function markFailed(span: Span, error: unknown): void {
  const type =
    error instanceof Error && "code" in error
      ? String(error.code)
      : error instanceof Error
        ? error.name
        : "error";
  span.setAttribute("error.type", type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
