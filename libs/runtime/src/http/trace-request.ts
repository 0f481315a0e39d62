import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Request, RequestHandler } from "express";
import { createHistogram, SECONDS_BOUNDS } from "../telemetry/metrics.ts";
import { markNotable, SLOW_MS } from "../telemetry/tracing.ts";
import { staysOpen } from "./request-context.ts";

/** The rest is `_OTHER`: whoever invents methods must not invent time series. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]);

/** One server span and one measured duration a request, named by its route once that is known. */
export function createTraceRequest(): RequestHandler {
  const tracer = trace.getTracer("syncline");
  const durations = createHistogram(
    "http.server.request.duration",
    "How long requests took, until their answer was sent or their client left",
    { unit: "s", bounds: SECONDS_BOUNDS },
  );
  return (request, response, next) => {
    const startedAtMs = performance.now();
    const method = METHODS.has(request.method) ? request.method : "_OTHER";
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
      const status = response.statusCode;
      const outcome = {
        "http.response.status_code": status,
        ...(route !== undefined && { "http.route": route }),
        ...(status >= 500 && { "error.type": String(status) }),
      };
      const durationMs = performance.now() - startedAtMs;
      durations.record(durationMs / 1_000, { "http.request.method": method, ...outcome });
      if (durationMs > SLOW_MS && !staysOpen(response)) markNotable(span);
      if (route !== undefined) span.updateName(`${method} ${route}`);
      span.setAttributes(outcome);
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    });
    context.with(trace.setSpan(parent, span), next);
  };
}

function routeOf(request: Request): string | undefined {
  return (request.route as { path?: string } | undefined)?.path;
}
