import type { ServerResponse } from "node:http";
import type { Problem } from "./problem.ts";

/** Ends a request with a problem. */
export function sendProblem(response: ServerResponse, problem: Problem): void {
  const { retryAfterSeconds } = problem.details;
  const body = JSON.stringify(problem);
  response.writeHead(problem.status, {
    "content-type": "application/problem+json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    ...(retryAfterSeconds !== undefined && { "retry-after": String(retryAfterSeconds) }),
    ...(problem.type === "unauthorized" && { "www-authenticate": "Bearer" }),
  });
  response.end(body);
}
