import type { IncomingMessage, ServerResponse } from "node:http";

/** Known methods; any other is `_OTHER`, so that invented methods do not create time series. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]);

export function methodOf({ method = "" }: IncomingMessage): string {
  return METHODS.has(method) ? method : "_OTHER";
}

/** The pattern of the matched route, if any. */
export function routeOf({ route }: IncomingMessage & { route?: { path?: string } }): string | undefined {
  return route?.path;
}

/** The outcome of a request, in OpenTelemetry's attributes. */
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
