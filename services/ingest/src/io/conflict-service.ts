import { Problem } from "@syncline/runtime";

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
    try {
      return await fetch(address, {
        headers: { authorization, "x-request-id": requestId },
        signal: AbortSignal.timeout(10_000),
      });
    } catch (error) {
      throw new Problem("conflict-service-unavailable", { retryAfterSeconds: 1, detail: reasonOf(error) });
    }
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error && error.name === "TimeoutError"
    ? "It took too long to answer"
    : "It cannot be reached";
}
