import { injectTrace, inSpan, SpanKind } from "@syncline/kit/telemetry";
import { Problem } from "@syncline/shared/protocol";

/** A request to the conflict service. From the client's request only the path and the query are taken. */
export interface ConflictQuestion {
  path: string;
  search?: string;
  authorization: string;
  requestId: string;
}

/**
 * Sends a request to the conflict service with the client's token.
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
          // Ingest compresses the answer for its client.
          headers: {
            ...injectTrace(),
            authorization,
            "x-request-id": requestId,
            "accept-encoding": "identity",
          },
          signal: AbortSignal.timeout(10_000),
        });
        span.setAttribute("http.response.status_code", answer.status);
        // The body is read here, because the service may fail in the middle of it.
        return new Response(await answer.arrayBuffer(), answer);
      } catch (error) {
        throw new Problem("conflict-service-unavailable", { retryAfterSeconds: 1, detail: reasonOf(error) });
      }
    });
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error && error.name === "TimeoutError"
    ? "The conflict service did not answer in time"
    : "The conflict service cannot be reached";
}
