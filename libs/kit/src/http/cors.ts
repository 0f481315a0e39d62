import cors from "cors";
import type { Middleware } from "./middleware.ts";

/**
 * The headers that pages may send and read beyond the safelisted ones. Tokens go in a header, so cookies are not
 * allowed.
 */
const CORS_HEADERS = {
  methods: ["GET", "HEAD", "POST"],
  allowedHeaders: [
    "Authorization",
    "Content-Type",
    "Content-Encoding",
    "If-None-Match",
    "Last-Event-ID",
    "Prefer",
    "Traceparent",
    "Tracestate",
    "Baggage",
    "X-Request-Id",
  ],
  exposedHeaders: [
    "Allow",
    "Date",
    "ETag",
    "Location",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
  ],
  maxAge: 600,
};

/** Matches an origin as browsers send it, `*` for all, or an origin with any port: `http://localhost:*`. */
export const ORIGIN_PATTERN = /^(\*|https?:\/\/[^/\s*]+?(:\*)?)$/;

/**
 * Allows pages of the given origins to use the API. Preflights are answered here, before tokens and limits; a preflight
 * from any other origin is answered 204 without the headers that would allow it.
 */
export function createCors(origins: readonly string[]): Middleware[] {
  const origin = origins.includes("*") ? "*" : origins.map(matcherOf);
  return [
    cors({ ...CORS_HEADERS, origin: origins.length > 0 && origin, preflightContinue: true }),
    endPreflight,
  ];
}

function matcherOf(origin: string): string | RegExp {
  if (!origin.endsWith(":*")) return origin;
  const site = origin.slice(0, -":*".length).replaceAll(/[.[\]]/g, String.raw`\$&`);
  return new RegExp(`^${site}(:\\d+)?$`);
}

/** Ends preflights. Any other OPTIONS request asks for a path's methods, and its route answers it. */
const endPreflight: Middleware = (request, response, next) => {
  const isPreflight =
    request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined;
  if (!isPreflight) return next();
  // Without a length some browsers wait for a body.
  response.writeHead(204, { "content-length": "0" }).end();
};
