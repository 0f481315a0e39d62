import { fieldProblem, identityOf, Problem, readQuery, requireNoQuery, requireRole } from "@syncline/runtime";
import { conflictQuerySchema, DECISION_CHOICES, policyOf, type Policies } from "@syncline/shared";
import type { Express, RequestHandler } from "express";
import { z } from "zod";
import { sidesOf, weighChoice, weighStrategies, type RecordedCase } from "../core/weigh-conflict.ts";
import type { PgConflicts } from "../io/pg-conflicts.ts";

const decisionSchema = z.object({ choice: z.enum(DECISION_CHOICES) });

type OnWorkspace = RequestHandler<{ workspaceId: string }>;
type OnConflict = RequestHandler<{ workspaceId: string; conflictId: string }>;

/** The records of conflicts, to read, and what each could come to. What is decided goes through the lane. */
export function addRoutes(app: Express, conflicts: PgConflicts, policies: Policies): void {
  const conflict = "/api/v1/workspaces/:workspaceId/conflicts/:conflictId";
  app.get("/api/v1/workspaces/:workspaceId/conflicts", listConflicts(conflicts));
  app.get(conflict, requireNoQuery, showConflict(conflicts, policies));
  app.get(`${conflict}/preview`, requireNoQuery, previewConflict(conflicts, policies));
  app.get(`${conflict}/decision`, showDecision(conflicts, policies));
}

function listConflicts(conflicts: PgConflicts): OnWorkspace {
  return async (request, response) => {
    const { workspaceId } = request.params;
    requireRole(identityOf(response), workspaceId, "reader");
    const {
      limit,
      document_id: documentId,
      device_id: deviceId,
      ...page
    } = readQuery(conflictQuerySchema, request);
    const found = await conflicts.list(workspaceId, { ...page, documentId, deviceId, limit: limit + 1 });
    const shown = found.slice(0, limit);
    response.json({
      conflicts: shown,
      next: shown.at(-1)?.["conflict_id"] ?? null,
      more: found.length > limit,
    });
  };
}

function showConflict(conflicts: PgConflicts, policies: Policies): OnConflict {
  return async (request, response) => {
    const { workspaceId, conflictId } = request.params;
    requireRole(identityOf(response), workspaceId, "reader");
    const on = await findCase(conflicts, workspaceId, conflictId);
    const record = await conflicts.show(workspaceId, conflictId);
    if (record === undefined) throw noSuchConflict();
    response.json({ ...record, ...documentsOf(on, policies) });
  };
}

function previewConflict(conflicts: PgConflicts, policies: Policies): OnConflict {
  return async (request, response) => {
    const { workspaceId, conflictId } = request.params;
    requireRole(identityOf(response), workspaceId, "reader");
    const on = await findCase(conflicts, workspaceId, conflictId);
    const policy = policyOf(policies, on.conflict.collection);
    response.json({
      conflict_id: conflictId,
      status: on.conflict.status,
      ...documentsOf(on, policies),
      choices: {
        server: weighChoice("server", on, policy) ?? null,
        local: weighChoice("local", on, policy),
        merged: weighChoice("merged", on, policy),
      },
      strategies: weighStrategies(on, policy),
    });
  };
}

/** For ingest: what a choice would write now, and what has to be so still when that is done. */
function showDecision(conflicts: PgConflicts, policies: Policies): OnConflict {
  return async (request, response) => {
    const { workspaceId, conflictId } = request.params;
    requireRole(identityOf(response), workspaceId, "reader");
    const { choice } = readQuery(decisionSchema, request);
    const on = await findCase(conflicts, workspaceId, conflictId);
    const { collection, documentId, deviceId, status, revision } = on.conflict;
    const policy = policyOf(policies, collection);
    const weighed = choice === "data" ? { document: null } : weighChoice(choice, on, policy);
    if (weighed === undefined) {
      const message = `cannot be ${choice}: the record is from before it was kept what the server had. Decide with local, merged or data`;
      throw fieldProblem({ path: ["choice"], message }, null);
    }
    response.json({
      collection,
      documentId,
      deviceId,
      status,
      revision,
      version: on.remote.version,
      inputs: sidesOf(on, policy).inputs,
      document: weighed.document,
    });
  };
}

/** `version` is the document's now: what a decision names as `expected_version`. */
function documentsOf(on: RecordedCase, policies: Policies): Record<string, unknown> {
  const { inputs, remote } = sidesOf(on, policyOf(policies, on.conflict.collection));
  const { ancestor, local } = inputs;
  return { version: on.remote.version, ancestor, remote, local };
}

async function findCase(
  conflicts: PgConflicts,
  workspaceId: string,
  conflictId: string,
): Promise<RecordedCase> {
  const known = z.uuid().safeParse(conflictId).success;
  const on = known ? await conflicts.readCase(workspaceId, conflictId) : undefined;
  if (on === undefined) throw noSuchConflict();
  return on;
}

function noSuchConflict(): Problem {
  return new Problem("not-found", { detail: "No such conflict is known here" });
}
