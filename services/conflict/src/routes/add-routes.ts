import { fieldProblem, identityOf, Problem, requireRole } from "@syncline/runtime";
import type { Express, RequestHandler } from "express";
import { z } from "zod";
import type { PgConflicts } from "../io/pg-conflicts.ts";

const querySchema = z.object({
  status: z.enum(["open", "parked", "reported", "resolved"]).optional(),
  before: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});

/** The records of conflicts, to read. */
export function addRoutes(app: Express, conflicts: PgConflicts): void {
  app.get("/api/v1/workspaces/:workspaceId/conflicts", listConflicts(conflicts));
  app.get("/api/v1/workspaces/:workspaceId/conflicts/:conflictId", showConflict(conflicts));
}

function listConflicts(conflicts: PgConflicts): RequestHandler<{ workspaceId: string }> {
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
    const { status, before, limit } = query.data;
    const found = await conflicts.list(workspaceId, { status, before, limit: limit + 1 });
    const page = found.slice(0, limit);
    response.json({
      conflicts: page,
      next: page.at(-1)?.["conflict_id"] ?? null,
      more: found.length > limit,
    });
  };
}

function showConflict(conflicts: PgConflicts): RequestHandler<{ workspaceId: string; conflictId: string }> {
  return async (request, response) => {
    const { workspaceId, conflictId } = request.params;
    requireRole(identityOf(response), workspaceId, "reader");
    const known = z.uuid().safeParse(conflictId).success;
    const record = known ? await conflicts.show(workspaceId, conflictId) : undefined;
    if (record === undefined) throw new Problem("not-found", { detail: "No such conflict is known here" });
    response.json(record);
  };
}
