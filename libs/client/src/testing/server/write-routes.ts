import {
  isFinal,
  Problem,
  pendingResults,
  type AcceptedBatch,
  type OperationResult,
  type BatchFeed,
} from "@syncline/shared/protocol";
import { canonicalJson, type Json } from "@syncline/shared/document";
import { policyOf } from "@syncline/shared/merge";
import {
  batchAnswer,
  decisionBatch,
  prepareBatch,
  prepareDecision,
  readPrefer,
  requireOverride,
  SUBJECT_DEVICE_PREFIX,
  type Acceptance,
} from "@syncline/ingest/core";
import type { DecisionPreview } from "@syncline/shared/schemas";
import { plainPolicy, runTask, type TaskOutcomes } from "@syncline/conflict/core";
import { carry } from "./carry.ts";
import type { ServerContext } from "./context.ts";
import { jsonAnswer, type ServerAnswer, type ServerRequest } from "./exchange.ts";
import { feedOf } from "./feed-routes.ts";
import { recordedCase } from "./lanes.ts";
import { requireRole, requireSomeWriter } from "./tokens.ts";

const WAIT_MS_MAX = 30_000;

/** `POST /documents/batch` */
export async function postBatch(context: ServerContext, request: ServerRequest): Promise<ServerAnswer> {
  const { identity } = request;
  requireJson(request);
  requireSomeWriter(identity);
  const prepared = prepareBatch(request.body, acceptanceOf(context, request));
  const batch = JSON.parse(String(prepared.json)) as AcceptedBatch;
  requireRole(identity, batch.workspaceId, "writer");
  requireOverride(prepared.head, identity.roleByWorkspace.get(batch.workspaceId), context.policies);
  if (batch.deviceDeclared && !isOwner(context, batch.workspaceId, batch.deviceId, identity.subject)) {
    throw new Problem("device-taken", {
      detail: "This device_id belongs to another subject; use a new one for this subject",
    });
  }
  const skew = prepared.clockSkewMs > 0 ? { clock_skew_ms: prepared.clockSkewMs } : {};
  const readFeed = feedOf(context, request, batch);
  return takeBatch(context, request, batch, { skew, readFeed });
}

/** `GET /batches/{batch_id}` */
export function getBatch(context: ServerContext, request: ServerRequest): ServerAnswer {
  const { state } = context;
  const { identity } = request;
  const [, batchId = ""] = request.path;
  const preferences = readPrefer(request.headers["prefer"], 0);
  const drained = state.batchById.get(batchId);
  const results = state.resultsOf(batchId);
  if (drained !== undefined && results !== undefined && identity.roleByWorkspace.has(drained.workspaceId)) {
    const shown = carry(context, drained, results, preferences);
    const processingTimeMs = drained.drainedAtMs - drained.acceptedAtMs;
    return jsonAnswer(batchAnswer(batchId, shown, { processingTimeMs, drained: true }));
  }
  for (const workspaceId of identity.roleByWorkspace.keys()) {
    for (const { entry } of context.lanes.entriesOf(workspaceId)) {
      if (entry.kind !== "batch" || entry.batch.batchId !== batchId) continue;
      const processingTimeMs = context.nowMs() - entry.batch.acceptedAtMs;
      const pending = pendingResults(entry.batch);
      return jsonAnswer(batchAnswer(batchId, pending, { processingTimeMs, drained: false }));
    }
  }
  throw new Problem("not-found", {
    detail: "Batch not found. If you sent it and got no final answer, send it again",
  });
}

/** `POST /workspaces/{workspace}/conflicts/{conflict_id}/resolve` */
export async function resolveConflict(context: ServerContext, request: ServerRequest): Promise<ServerAnswer> {
  const { identity } = request;
  const [, workspaceId = "", , conflictId = ""] = request.path;
  requireJson(request);
  requireRole(identity, workspaceId, "writer");
  const body = prepareDecision(request.body);
  const previewed = previewDecision(context, workspaceId, conflictId, body.choice);
  requireOwnDevice(context, request, previewed.deviceId);
  if (previewed.status === "open") {
    throw new Problem("decision-outdated", {
      detail: "The conflict is being merged. It needs a decision only if the merge parks it",
      current_version: previewed.version,
      conflict_status: previewed.status,
    });
  }
  const batch = decisionBatch({ workspaceId, conflictId, body, previewed }, acceptanceOf(context, request));
  return takeBatch(context, request, batch, {
    problemOf: ([result]) => {
      if (result?.error_type !== "decision_outdated") return undefined;
      const now = previewDecision(context, workspaceId, conflictId, "data");
      return new Problem("decision-outdated", {
        ...(result.error !== undefined && { detail: result.error }),
        current_version: now.version,
        conflict_status: now.status,
      });
    },
  });
}

interface TakeOptions {
  skew?: object;
  /** Reads the page of the feed that the answer brings. */
  readFeed?: () => BatchFeed;
  problemOf?: (results: readonly OperationResult[]) => Problem | undefined;
}

/** Appends a batch to its lane, and answers with its results, or with 202 while they are pending. */
async function takeBatch(
  context: ServerContext,
  request: ServerRequest,
  batch: AcceptedBatch,
  { skew, problemOf, readFeed }: TakeOptions,
): Promise<ServerAnswer> {
  const preferences = readPrefer(request.headers["prefer"], WAIT_MS_MAX);
  const arrivedAtMs = context.nowMs();
  context.lanes.append(batch.workspaceId, { kind: "batch", batch, trace: {} });
  if (preferences.waitMs > 0) await settled(context, batch, preferences.waitMs);
  const results = preferences.waitMs > 0 ? context.state.resultsOf(batch.batchId) : undefined;
  const problem = results && problemOf?.(results);
  if (problem !== undefined) throw problem;
  const shown = results && carry(context, batch, results, preferences);
  const answer = batchAnswer(batch.batchId, shown ?? pendingResults(batch), {
    processingTimeMs: context.nowMs() - arrivedAtMs,
    drained: results !== undefined,
  });
  const applied =
    preferences.applied.length > 0 ? { "preference-applied": preferences.applied.join(", ") } : {};
  if (answer.status === "pending" || answer.status === "syncing") {
    return jsonAnswer({ ...answer, ...skew }, 202, {
      ...applied,
      location: `/api/v1/batches/${batch.batchId}`,
    });
  }
  const status = batch.atomic && answer.failed > 0 ? 409 : 200;
  return jsonAnswer({ ...answer, ...skew, ...readFeed?.() }, status, applied);
}

/** Waits until the batch has its final results, or the time is over. */
function settled(context: ServerContext, batch: AcceptedBatch, waitMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const isDone = () =>
    isFinal(context.state.resultsOf(batch.batchId) ?? [{ client_id: "", status: "pending" }]);
  if (isDone()) return Promise.resolve();
  const cancel = context.setTimer(waitMs, resolve);
  const unwatch = context.watch(batch.workspaceId, () => {
    if (isDone()) resolve();
  });
  return promise.finally(() => {
    cancel();
    unwatch();
  });
}

function acceptanceOf(context: ServerContext, request: ServerRequest): Acceptance {
  return {
    batchId: context.newId(),
    subject: request.identity.subject,
    requestId: request.requestId,
    replyTo: "test-server",
    nowMs: context.nowMs(),
    newId: context.newId,
    // The digest of ingest, without the digest.
    fingerprint: (content: readonly (Json | undefined)[]) =>
      canonicalJson(content.map((part) => part ?? null)),
  };
}

/** Reports whether a device belongs to a subject; an unclaimed one becomes the subject's. */
function isOwner({ state }: ServerContext, workspaceId: string, deviceId: string, subject: string): boolean {
  const key = JSON.stringify([workspaceId, deviceId]);
  const owner = state.ownerByDevice.get(key) ?? subject;
  state.ownerByDevice.set(key, owner);
  return owner === subject;
}

function requireOwnDevice(context: ServerContext, { identity, path }: ServerRequest, deviceId: string): void {
  const [, workspaceId = ""] = path;
  if (identity.roleByWorkspace.get(workspaceId) === "admin") return;
  if (deviceId === SUBJECT_DEVICE_PREFIX + identity.subject) return;
  const isSubjects = deviceId.startsWith(SUBJECT_DEVICE_PREFIX);
  if (!isSubjects && isOwner(context, workspaceId, deviceId, identity.subject)) return;
  throw new Problem("forbidden", { detail: "A writer may decide only the conflicts of their own devices" });
}

/** The document that a choice would write now. */
function previewDecision(
  { state, policies }: ServerContext,
  workspaceId: string,
  conflictId: string,
  choice: "server" | "local" | "merged" | "data",
): DecisionPreview {
  const on = recordedCase(state, conflictId);
  if (on === undefined || on.conflict.workspaceId !== workspaceId) {
    throw new Problem("not-found", { detail: "Conflict not found" });
  }
  const { collection, documentId, deviceId, status, revision } = on.conflict;
  const policy = plainPolicy(policyOf(policies, collection));
  const { inputs, document = null } = runTask({
    kind: "decide",
    on,
    choice,
    policy,
  }) as TaskOutcomes["decide"];
  return { collection, documentId, deviceId, status, revision, version: on.remote.version, inputs, document };
}

function requireJson({ headers }: ServerRequest): void {
  if (/^application\/(json|[^;]*\+json)(;|$)/.test(headers["content-type"] ?? "")) return;
  throw new Problem("unsupported-media-type", { detail: "Send Content-Type: application/json" });
}
