import type { Express, RequestHandler, Router } from "express";
import { Problem } from "@syncline/shared/protocol";

/**
 * Answers the methods that a path has no route for: 204 to OPTIONS, 405 to any other, each with `Allow`. Runs before
 * the token check, because `/openapi.json` publishes the methods anyway.
 *
 * @param guard - receives the guards; the app uses it before the token check
 * @param app - has all its routes
 */
export function guardMethods(guard: Router, app: Express): void {
  const methodsByPath = new Map<string, Set<string>>();
  for (const { route } of app.router.stack) {
    if (route === undefined) continue;
    const methods = methodsByPath.get(route.path) ?? new Set();
    for (const { method } of route.stack) methods.add(method.toUpperCase());
    methodsByPath.set(route.path, methods);
  }
  for (const [path, methods] of methodsByPath) guard.all(path, requireMethod(methods));
}

/** Express answers HEAD by the handler of GET. */
function requireMethod(methods: ReadonlySet<string>): RequestHandler {
  const answered = [...methods, ...(methods.has("GET") ? ["HEAD"] : [])];
  const allow = [...answered, "OPTIONS"].join(", ");
  return ({ method, path }, response, next) => {
    if (answered.includes(method)) return next();
    if (method !== "OPTIONS") {
      throw new Problem("method-not-allowed", { detail: `${path} does not support ${method}`, allow });
    }
    response.set("allow", allow).status(204).end();
  };
}
