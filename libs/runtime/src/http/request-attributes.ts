import type { IncomingMessage, ServerResponse } from "node:http";

/** The rest is `_OTHER`: whoever invents methods must not invent time series. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]);

export function methodOf({ method = "" }: IncomingMessage): string {
  return METHODS.has(method) ? method : "_OTHER";
}

/** The route's pattern, once one was found. */
export function routeOf({ route }: IncomingMessage & { route?: { path?: string } }): string | undefined {
  return route?.path;
}

/** What became of a request, in OpenTelemetry's terms. */
export function outcomeOf(
  request: IncomingMessage,
  { statusCode }: ServerResponse,
): Record<string, string | number> {
  const route = routeOf(request);
  return {
    "http.response.status_code": statusCode,
    ...(route !== undefined && { "http.route": route }),
    ...(statusCode >= 500 && { "error.type": String(statusCode) }),
  };
}
