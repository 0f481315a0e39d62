import { fieldProblem, identityOf, requireRole } from "@syncline/runtime";
import { idSchema, type ChangesBody } from "@syncline/shared";
import type { RequestHandler } from "express";
import { z } from "zod";
import type { PgReads } from "../io/pg-reads.ts";

const querySchema = z.object({
  since: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  collections: z
    .string()
    .transform((list) => list.split(","))
    .pipe(z.array(idSchema))
    .optional(),
});

/** `GET …/changes?since=SEQ&collections=a,b&limit=N`: the workspace's committed changes, in `seq` order. */
export function createGetChanges(reads: PgReads, epoch: string): RequestHandler<{ workspaceId: string }> {
  return async (request, response) => {
    const { workspaceId } = request.params;
    requireRole(identityOf(response), workspaceId, "reader");
    const query = querySchema.safeParse(request.query);
    if (!query.success) {
      const issue = query.error.issues[0];
      throw fieldProblem(
        { path: [String(issue?.path[0] ?? "")], message: issue?.message ?? "is not acceptable" },
        null,
      );
    }
    const { since, limit, collections } = query.data;
    const changes = await reads.readChanges(workspaceId, { since, limit: limit + 1, collections });
    const page = changes.slice(0, limit);
    const body: ChangesBody = {
      epoch,
      changes: page,
      next: page.at(-1)?.seq ?? since,
      more: changes.length > limit,
    };
    response.set("cache-control", "no-store").json(body);
  };
}
