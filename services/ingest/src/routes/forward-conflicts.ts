import { identityOf, Problem, requestIdOf, requireRole } from "@syncline/runtime";
import type { RequestHandler, Response } from "express";
import { z } from "zod";
import type { AskConflictService } from "../io/conflict-service.ts";

/** Passes the conflict routes on to the conflict service, so that clients know one address. */
export function createForwardConflicts(
  askConflictService: AskConflictService,
): RequestHandler<{ workspaceId: string; conflictId?: string }> {
  return async (request, response) => {
    const { workspaceId, conflictId } = request.params;
    requireRole(identityOf(response), workspaceId, "reader");
    if (conflictId !== undefined && !z.uuid().safeParse(conflictId).success) {
      throw new Problem("not-found", { detail: "No such conflict is known here" });
    }
    const answer = await askConflictService({
      path: encodeParts(request.path),
      // Whatever address the request line may name, its query is all that counts.
      search: new URL(request.originalUrl, "http://ingest").search,
      authorization: request.get("authorization") ?? "",
      requestId: requestIdOf(response),
    });
    await passOn(answer, response);
  };
}

/** A name may hold what an address takes for another `/`. */
function encodeParts(path: string): string {
  const parts = path.split("/").map(decodeURIComponent);
  return parts.map(encodeURIComponent).join("/");
}

/** Gives the conflict service's answer as ours. */
export async function passOn(answer: globalThis.Response, response: Response): Promise<void> {
  response.status(answer.status);
  response.set("content-type", answer.headers.get("content-type") ?? "application/json");
  const retryAfter = answer.headers.get("retry-after");
  if (retryAfter !== null) response.set("retry-after", retryAfter);
  response.send(Buffer.from(await answer.arrayBuffer()));
}
