import { createHistogram, SECONDS_BOUNDS } from "../telemetry/metrics.ts";
import type { Doorkeeper } from "./doorkeeper.ts";
import { methodOf, outcomeOf } from "./request-attributes.ts";

/** One measured duration a request, by its route once that is known. */
export function createMeasureRequest(): Doorkeeper {
  const durations = createHistogram(
    "http.server.request.duration",
    "How long requests took, until their answer was sent or their client left",
    { unit: "s", bounds: SECONDS_BOUNDS },
  );
  return (request, response, next) => {
    const startedAtMs = performance.now();
    response.once("close", () => {
      durations.record((performance.now() - startedAtMs) / 1_000, {
        "http.request.method": methodOf(request),
        ...outcomeOf(request, response),
      });
    });
    next();
  };
}
