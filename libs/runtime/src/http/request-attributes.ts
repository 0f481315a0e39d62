import type { Request, Response } from "express";

/** The rest is `_OTHER`: whoever invents methods must not invent time series. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]);

export function methodOf({ method }: Request): string {
  return METHODS.has(method) ? method : "_OTHER";
}

/** The route's pattern, once one was found. */
export function routeOf(request: Request): string | undefined {
  return (request.route as { path?: string } | undefined)?.path;
}

/** What became of a request, in OpenTelemetry's terms. */
export function outcomeOf(request: Request, { statusCode }: Response): Record<string, string | number> {
  const route = routeOf(request);
  return {
    "http.response.status_code": statusCode,
    ...(route !== undefined && { "http.route": route }),
    ...(statusCode >= 500 && { "error.type": String(statusCode) }),
  };
}
