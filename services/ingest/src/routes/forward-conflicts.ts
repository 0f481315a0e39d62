import { Problem, identityOf, requestIdOf, requireRole } from "@syncline/runtime";
import type { Request, RequestHandler } from "express";

/** Passes the conflict routes on to the conflict service, so that clients know one address. */
export function createForwardConflicts(conflictUrl: string): RequestHandler<{ workspaceId: string }> {
  return async (request, response) => {
    const { workspaceId } = request.params;
    requireRole(identityOf(response), workspaceId, "reader");
    let answer: globalThis.Response;
    try {
      answer = await fetch(addressOf(request, conflictUrl), {
        headers: { authorization: request.get("authorization") ?? "", "x-request-id": requestIdOf(response) },
        signal: AbortSignal.timeout(10_000),
      });
    } catch (error) {
      throw new Problem("conflict-service-unavailable", { retryAfterSeconds: 1, detail: reasonOf(error) });
    }
    response.status(answer.status);
    response.set("content-type", answer.headers.get("content-type") ?? "application/json");
    const retryAfter = answer.headers.get("retry-after");
    if (retryAfter !== null) response.set("retry-after", retryAfter);
    response.send(Buffer.from(await answer.arrayBuffer()));
  };
}

/** The conflict service's own address, whatever address the request line may name: only path and query are taken over. */
function addressOf(request: Pick<Request, "path" | "originalUrl">, conflictUrl: string): URL {
  const address = new URL(conflictUrl);
  address.pathname = address.pathname.replace(/\/$/, "") + request.path;
  address.search = new URL(request.originalUrl, conflictUrl).search;
  return address;
}

function reasonOf(error: unknown): string {
  return error instanceof Error && error.name === "TimeoutError"
    ? "It took too long to answer"
    : "It cannot be reached";
}
