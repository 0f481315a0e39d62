import { policyOf } from "@syncline/shared/merge";
import { documentKey, operationKey, Problem, ROUND_BACKOFF } from "@syncline/shared/protocol";
import { conflictQuerySchema } from "@syncline/shared/schemas";
import {
  acceptedLife,
  operationLife,
  readPrefer,
  SUBJECT_DEVICE_PREFIX,
  type OperationStory,
} from "@syncline/ingest/core";
import { plainPolicy, runTask, type RecordedCase, type TaskOutcomes } from "@syncline/conflict/core";
import { z } from "zod";
import { conflictRecord, conflictSummary } from "./conflict-body.ts";
import { carry } from "./carry.ts";
import type { ServerContext } from "./context.ts";
import { jsonAnswer, type ServerAnswer, type ServerRequest } from "./exchange.ts";
import { recordedCase } from "./lanes.ts";
import { readQuery } from "./read-query.ts";
import { compare, documentBody } from "./server-state.ts";
import { requireRole } from "./tokens.ts";

/** `GET /workspaces/{workspace}/documents/{collection}/{id}` */
export function getDocument({ state }: ServerContext, request: ServerRequest): ServerAnswer {
  const [, workspaceId = "", , collection = "", documentId = ""] = request.path;
  requireRole(request.identity, workspaceId, "reader");
  readQuery(z.object({}), request.query);
  const row = state.rowByKey.get(documentKey(workspaceId, collection, documentId));
  if (row === undefined) throw new Problem("not-found", { detail: "The document never existed" });
  const { data, version } = row;
  if (data === null)
    throw new Problem("not-found", { detail: `The document was deleted at version ${version}` });
  const etag = `"${version}"`;
  const known = (request.headers["if-none-match"] ?? "")
    .split(",")
    .map((tag) => tag.trim().replace(/^W\//, ""));
  if (known.includes(etag) || known.includes("*")) return { status: 304, headers: { etag }, body: "" };
  return jsonAnswer(documentBody({ ...row, data }), 200, { etag });
}

const deviceSchema = z
  .string()
  .max(SUBJECT_DEVICE_PREFIX.length + 200)
  .regex(/^\P{Cc}+$/u, "must not be empty, nor contain control characters")
  .optional();

/** `GET /workspaces/{workspace}/operations/{client_id}` */
export function getOperation(context: ServerContext, request: ServerRequest): ServerAnswer {
  const [, workspaceId = "", , clientId = ""] = request.path;
  requireRole(request.identity, workspaceId, "reader");
  const { device_id: named } = readQuery(z.object({ device_id: deviceSchema }), request.query);
  const deviceId = named ?? SUBJECT_DEVICE_PREFIX + request.identity.subject;
  const key = { workspaceId, deviceId, clientId };
  const story = storyOf(context, key);
  const life = story === undefined ? lifeOnLane(context, key) : operationLife(story, ROUND_BACKOFF);
  if (life === undefined) {
    throw new Problem("not-found", {
      detail: "Neither the ledger nor the searched part of the lane has this operation of this device",
    });
  }
  const preferences = readPrefer(request.headers["prefer"], 0);
  const [result = life.result] = carry(context, key, [life.result], preferences);
  return jsonAnswer({ ...life, result });
}

type OperationKey = { workspaceId: string; deviceId: string; clientId: string };

function storyOf({ state }: ServerContext, key: OperationKey): OperationStory | undefined {
  const row = state.ledgerRow(key.workspaceId, key.deviceId, key.clientId);
  if (row === undefined) return undefined;
  const change = state
    .workspace(key.workspaceId)
    .changes.find(
      ({ seq, collection, documentId, firstVersion, version }) =>
        seq === row.seq &&
        collection === row.collection &&
        documentId === row.documentId &&
        row.version !== null &&
        firstVersion <= row.version &&
        row.version <= version,
    );
  const settled = state.settledByOperation.get(operationKey(key.workspaceId, key.deviceId, key.clientId));
  const conflict = row.conflictId === null ? undefined : state.tables.conflictById.get(row.conflictId);
  const run = state.tables.runByConflictId.get(row.conflictId ?? "") ?? [];
  const isPart =
    conflict?.deviceId === key.deviceId && run.some(({ operation }) => operation.clientId === key.clientId);
  const drainedAtMs = state.batchById.get(row.batchId)?.drainedAtMs;
  const roundAtMs = state.timesByConflictId.get(row.conflictId ?? "")?.roundAtMs;
  return {
    ...row,
    settledAt: settled === undefined ? null : new Date(settled.atMs),
    replayable: row.status === "error" && "content" in row && row.content !== undefined,
    drainedAt: drainedAtMs === undefined ? null : new Date(drainedAtMs),
    changeSeq: change?.seq ?? null,
    firstVersion: change?.firstVersion ?? null,
    lastVersion: change?.version ?? null,
    committedAt: change === undefined ? null : new Date(change.committedAtMs),
    recordStatus: conflict?.status ?? null,
    conflictRound: conflict?.round ?? null,
    conflictStrategy: conflict?.strategy ?? null,
    conflictReason: conflict?.reason ?? null,
    conflictRoundAt: roundAtMs === undefined ? null : new Date(roundAtMs),
    conflictOpenedBy: isPart ? (run[0]?.operation.clientId ?? null) : null,
  };
}

function lifeOnLane({ lanes }: ServerContext, key: OperationKey) {
  for (const { entry } of lanes.entriesOf(key.workspaceId)) {
    if (entry.kind !== "batch" || entry.batch.deviceId !== key.deviceId) continue;
    const operation = entry.batch.operations.find(({ clientId }) => clientId === key.clientId);
    if (operation !== undefined) return acceptedLife({ operation, batch: entry.batch, trace: {} });
  }
  return undefined;
}

/** `GET /workspaces/{workspace}/conflicts` */
export function listConflicts({ state }: ServerContext, request: ServerRequest): ServerAnswer {
  const [, workspaceId = ""] = request.path;
  requireRole(request.identity, workspaceId, "reader");
  const query = readQuery(conflictQuerySchema, request.query);
  const records = [...state.tables.conflictById.values()].filter(
    (record) => record.workspaceId === workspaceId,
  );
  const matching = records
    .map((record) => conflictSummary(state, record))
    .filter(
      (one) =>
        (query.before === undefined || one.conflict_id < query.before) &&
        (query.status === undefined || one.status === query.status) &&
        (query.collection === undefined || one.collection === query.collection) &&
        (query.document_id === undefined || one.document_id === query.document_id) &&
        (query.device_id === undefined || one.device_id === query.device_id) &&
        (query.since === undefined || one.opened_at >= query.since) &&
        (query.until === undefined || one.opened_at < query.until),
    )
    .sort((a, b) => compare(b.conflict_id, a.conflict_id));
  const shown = matching.slice(0, query.limit);
  const more = matching.length > query.limit;
  return jsonAnswer({ conflicts: shown, next: shown.at(-1)?.conflict_id ?? null, more });
}

/** `GET /workspaces/{workspace}/conflicts/{conflict_id}` */
export function getConflict(context: ServerContext, request: ServerRequest): ServerAnswer {
  const on = findCase(context, request);
  const record = context.state.tables.conflictById.get(on.conflict.conflictId);
  if (record === undefined) throw new Problem("not-found", { detail: "Conflict not found" });
  const sides = runTask({ kind: "show", on, policy: policyFor(context, on) }) as TaskOutcomes["show"];
  return jsonAnswer({ ...conflictRecord(context.state, record), ...sides });
}

/** `GET /workspaces/{workspace}/conflicts/{conflict_id}/preview` */
export function previewConflict(context: ServerContext, request: ServerRequest): ServerAnswer {
  const on = findCase(context, request);
  const preview = runTask({ kind: "preview", on, policy: policyFor(context, on) }) as TaskOutcomes["preview"];
  return { status: 200, headers: { "content-type": "application/json; charset=utf-8" }, body: preview };
}

function policyFor({ policies }: ServerContext, { conflict }: RecordedCase) {
  return plainPolicy(policyOf(policies, conflict.collection));
}

function findCase({ state }: ServerContext, request: ServerRequest): RecordedCase {
  const [, workspaceId = "", , conflictId = ""] = request.path;
  requireRole(request.identity, workspaceId, "reader");
  readQuery(z.object({}), request.query);
  const on = recordedCase(state, conflictId);
  if (on === undefined || on.conflict.workspaceId !== workspaceId) {
    throw new Problem("not-found", { detail: "Conflict not found" });
  }
  return on;
}
