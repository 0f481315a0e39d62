import { Problem, type ConflictId, type WorkspaceId } from "@syncline/shared/protocol";
import { requestIdOf } from "@syncline/kit/http";
import type { RequestHandler, Response } from "express";
import { z } from "zod";
import type { AskConflictService } from "../io/conflict-service.ts";

/** Forwards the conflict routes to the conflict service, so that clients know one address. */
export function createForwardConflicts(
  askConflictService: AskConflictService,
): RequestHandler<{ workspaceId: WorkspaceId; conflictId?: ConflictId }> {
  return async (request, response) => {
    const { conflictId } = request.params;
    if (conflictId !== undefined && !z.uuid().safeParse(conflictId).success) {
      throw new Problem("not-found", { detail: "Conflict not found" });
    }
    const answer = await askConflictService({
      path: encodeParts(request.path),
      // The request line may name any address; only its query counts.
      search: new URL(request.originalUrl, "http://ingest").search,
      authorization: request.get("authorization") ?? "",
      requestId: requestIdOf(response),
    });
    await passOn(answer, response);
  };
}

/** Encodes each segment again: an id may contain `/`. */
function encodeParts(path: string): string {
  const parts = path.split("/").map(decodeURIComponent);
  return parts.map(encodeURIComponent).join("/");
}

/** Responds with the conflict service's answer. */
export async function passOn(answer: globalThis.Response, response: Response): Promise<void> {
  response.status(answer.status);
  response.set("content-type", answer.headers.get("content-type") ?? "application/json");
  const retryAfter = answer.headers.get("retry-after");
  if (retryAfter !== null) response.set("retry-after", retryAfter);
  response.send(Buffer.from(await answer.arrayBuffer()));
}
