import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { RequestHandler } from "express";
import { markNotable, SLOW_MS } from "../telemetry/tracing.ts";
import { methodOf, outcomeOf, routeOf } from "./request-attributes.ts";
import { staysOpen } from "./request-context.ts";

/** Creates one server span for each request, named by its route once it is known. */
export function createTraceRequest(): RequestHandler {
  const tracer = trace.getTracer("syncline");
  return (request, response, next) => {
    const startedAtMs = performance.now();
    const method = methodOf(request);
    const parent = propagation.extract(ROOT_CONTEXT, request.headers);
    const span = tracer.startSpan(
      method,
      {
        kind: SpanKind.SERVER,
        attributes: {
          "http.request.method": method,
          "url.path": request.path,
          "url.scheme": request.protocol,
        },
      },
      parent,
    );
    response.once("close", () => {
      const route = routeOf(request);
      if (performance.now() - startedAtMs > SLOW_MS && !staysOpen(response)) markNotable(span);
      if (route !== undefined) span.updateName(`${method} ${route}`);
      span.setAttributes(outcomeOf(request, response));
      if (response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    });
    context.with(trace.setSpan(parent, span), next);
  };
}
