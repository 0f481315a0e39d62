import type { ServerResponse } from "node:http";
import type { Problem } from "@syncline/shared/protocol";
import { setProblemType } from "./request-context.ts";

/** Ends a request with a problem. */
export function sendProblem(response: ServerResponse, problem: Problem): void {
  setProblemType(response, problem.type);
  const { retryAfterSeconds, allow } = problem.details;
  const body = `${JSON.stringify(problem)}\n`;
  response.writeHead(problem.status, {
    "content-type": "application/problem+json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    ...(retryAfterSeconds !== undefined && { "retry-after": String(retryAfterSeconds) }),
    ...(allow !== undefined && { allow }),
    ...(problem.type === "unauthorized" && { "www-authenticate": "Bearer" }),
  });
  response.end(body);
}
