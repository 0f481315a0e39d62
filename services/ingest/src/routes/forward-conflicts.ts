import { Problem, identityOf, requestIdOf, requireRole } from "@syncline/runtime";
import type { RequestHandler } from "express";

/** Passes the conflict routes on to the conflict service, so that clients know one address. */
export function createForwardConflicts(conflictUrl: string): RequestHandler<{ workspaceId: string }> {
  return async (request, response) => {
    const { workspaceId } = request.params;
    requireRole(identityOf(response), workspaceId, "reader");
    let answer: globalThis.Response;
    try {
      answer = await fetch(new URL(request.originalUrl, conflictUrl), {
        headers: { authorization: request.get("authorization") ?? "", "x-request-id": requestIdOf(response) },
        signal: AbortSignal.timeout(10_000),
      });
    } catch (error) {
      throw new Problem("conflict-service-unavailable", { retryAfterSeconds: 1, detail: reasonOf(error) });
    }
    response.status(answer.status);
    response.set("content-type", answer.headers.get("content-type") ?? "application/json");
    response.send(Buffer.from(await answer.arrayBuffer()));
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error && error.name === "TimeoutError"
    ? "It took too long to answer"
    : "It cannot be reached";
}
