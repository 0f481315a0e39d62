import { PROBLEMS } from "@syncline/shared/protocol";
import { createCounter, createHistogram, SECONDS_BOUNDS } from "../telemetry/metrics.ts";
import type { Middleware } from "./middleware.ts";
import { methodOf, outcomeOf } from "./request-attributes.ts";
import { problemTypeOf } from "./request-context.ts";

/**
 * Records each request's duration, by route once it is known, and counts the requests that were answered with a
 * problem.
 */
export function createMeasureRequest(): Middleware {
  const durations = createHistogram(
    "http.server.request.duration",
    "Duration of requests, until the response was sent or the client disconnected",
    { unit: "s", bounds: SECONDS_BOUNDS },
  );
  const problems = createCounter(
    "syncline.http.problems",
    "Requests answered with a problem, by problem type",
    "{request}",
    Object.keys(PROBLEMS).map((type) => ({ "syncline.problem.type": type })),
  );
  return (request, response, next) => {
    const startedAtMs = performance.now();
    response.once("close", () => {
      durations.record((performance.now() - startedAtMs) / 1_000, {
        "http.request.method": methodOf(request),
        ...outcomeOf(request, response),
      });
      const problemType = problemTypeOf(response);
      if (problemType !== undefined) problems.add(1, { "syncline.problem.type": problemType });
    });
    next();
  };
}
