import { addEndpoints, readQuery, requireNoQuery } from "@syncline/kit/http";
import { policyOf, type Policies } from "@syncline/shared/merge";
import {
  CONFLICT_SERVICE_ENDPOINTS,
  DECISION_CHOICES,
  fieldProblem,
  Problem,
  type ConflictId,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import {
  conflictQuerySchema,
  type ConflictSides,
  type UnsentRecord,
  type UnsentSummary,
  type DecisionPreview,
} from "@syncline/shared/schemas";
import type { Express, RequestHandler } from "express";
import { z } from "zod";
import { plainPolicy } from "../core/run-task.ts";
import type { RecordedCase } from "../core/preview-conflict.ts";
import type { Merger } from "../io/merger.ts";
import type { PgConflicts } from "../io/pg-conflicts.ts";

const decisionSchema = z.object({ choice: z.enum(DECISION_CHOICES) });

type OnWorkspace = RequestHandler<{ workspaceId: WorkspaceId }>;
type OnConflict = RequestHandler<{ workspaceId: WorkspaceId; conflictId: ConflictId }>;

interface Deps {
  conflicts: PgConflicts;
  policies: Policies;
  merger: Pick<Merger, "run">;
}

/** Adds the routes that read conflict records and previews. Decisions go through the lane. */
export function addRoutes(app: Express, deps: Deps): void {
  const handlers = {
    listConflicts: listConflicts(deps.conflicts),
    getConflict: showConflict(deps),
    previewConflict: previewConflict(deps),
    getDecision: showDecision(deps),
  };
  addEndpoints(app, CONFLICT_SERVICE_ENDPOINTS, handlers, (name) =>
    name === "listConflicts" || name === "getDecision" ? [] : [requireNoQuery],
  );
}

function listConflicts(conflicts: PgConflicts): OnWorkspace {
  return async (request, response) => {
    const { workspaceId } = request.params;
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
      next: shown.at(-1)?.conflict_id ?? null,
      more: found.length > limit,
    } satisfies { conflicts: UnsentSummary[]; next: string | null; more: boolean });
  };
}

function showConflict({ conflicts, policies, merger }: Deps): OnConflict {
  return async (request, response) => {
    const { workspaceId, conflictId } = request.params;
    const on = await findCase(conflicts, workspaceId, conflictId);
    const record = await conflicts.show(workspaceId, conflictId);
    if (record === undefined) throw noSuchConflict();
    const sides = await merger.run({ kind: "show", on, policy: policyFor(on, policies) });
    response.json({ ...record, ...sides } satisfies UnsentRecord & ConflictSides);
  };
}

function previewConflict({ conflicts, policies, merger }: Deps): OnConflict {
  return async (request, response) => {
    const { workspaceId, conflictId } = request.params;
    const on = await findCase(conflicts, workspaceId, conflictId);
    const preview = await merger.run({ kind: "preview", on, policy: policyFor(on, policies) });
    response.type("json").send(preview);
  };
}

/**
 * Answers ingest with the document that a choice would write now, and the state that must be unchanged when the
 * decision is applied.
 */
function showDecision({ conflicts, policies, merger }: Deps): OnConflict {
  return async (request, response) => {
    const { workspaceId, conflictId } = request.params;
    const { choice } = readQuery(decisionSchema, request);
    const on = await findCase(conflicts, workspaceId, conflictId);
    const { collection, documentId, deviceId, status, revision } = on.conflict;
    const { inputs, document, costly } = await merger.run({
      kind: "decide",
      on,
      choice,
      policy: policyFor(on, policies),
    });
    if (costly) {
      const detail = `Computing the document of the choice ${choice} exceeds the cost limit. Decide with server or data`;
      throw new Problem("merge-too-costly", { detail });
    }
    if (document === undefined) {
      const message = `cannot be ${choice}: the record was written before the server's document was kept. Decide with local, merged or data`;
      throw fieldProblem({ path: ["choice"], message }, null);
    }
    response.json({
      collection,
      documentId,
      deviceId,
      status,
      revision,
      version: on.remote.version,
      inputs,
      document,
    } satisfies DecisionPreview);
  };
}

function policyFor({ conflict }: RecordedCase, policies: Policies) {
  return plainPolicy(policyOf(policies, conflict.collection));
}

async function findCase(
  conflicts: PgConflicts,
  workspaceId: WorkspaceId,
  conflictId: ConflictId,
): Promise<RecordedCase> {
  const known = z.uuid().safeParse(conflictId).success;
  const on = known ? await conflicts.readCase(workspaceId, conflictId) : undefined;
  if (on === undefined) throw noSuchConflict();
  return on;
}

function noSuchConflict(): Problem {
  return new Problem("not-found", { detail: "Conflict not found" });
}
