import { injectTrace, inSpan, Problem, SpanKind } from "@syncline/runtime";

/** What a request to the conflict service passes on: only path and query are taken from the outside. */
export interface ConflictQuestion {
  path: string;
  search?: string;
  authorization: string;
  requestId: string;
}

/**
 * Asks the conflict service, in the name of who asked us.
 * @throws {@link Problem} `conflict-service-unavailable`
 */
export type AskConflictService = (question: ConflictQuestion) => Promise<Response>;

export function createAskConflictService(conflictUrl: string): AskConflictService {
  return async ({ path, search = "", authorization, requestId }) => {
    const address = new URL(conflictUrl);
    address.pathname = address.pathname.replace(/\/$/, "") + path;
    address.search = search;
    const attributes = {
      "http.request.method": "GET",
      "server.address": address.hostname,
      "server.port": Number(address.port || (address.protocol === "https:" ? 443 : 80)),
    };
    return inSpan("GET", { kind: SpanKind.CLIENT, attributes }, async (span) => {
      try {
        const answer = await fetch(address, {
          headers: { ...injectTrace(), authorization, "x-request-id": requestId },
          signal: AbortSignal.timeout(10_000),
        });
        span.setAttribute("http.response.status_code", answer.status);
        // Read here, since the service may end in the middle of it.
        return new Response(await answer.arrayBuffer(), answer);
      } catch (error) {
        throw new Problem("conflict-service-unavailable", { retryAfterSeconds: 1, detail: reasonOf(error) });
      }
    });
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error && error.name === "TimeoutError"
    ? "It took too long to answer"
    : "It cannot be reached";
}
