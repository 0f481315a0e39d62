import type { AcceptedBatch, OperationResult } from "@syncline/shared";
import {
  Problem,
  SpanKind,
  identityOf,
  inSpan,
  injectTrace,
  requestIdOf,
  requireRole,
  type LaneStreams,
  type LaneWaker,
  type Logger,
} from "@syncline/runtime";
import { PRIORITIES, laneOf, pendingResults, type Batch } from "@syncline/shared";
import type { Request, RequestHandler, Response } from "express";
import { acceptBatch } from "../core/accept-batch.ts";
import { batchAnswer } from "../core/batch-answer.ts";
import { waitMsOf } from "../core/prefer.ts";
import { readBatch } from "../core/read-batch.ts";
import type { WaitingBatches } from "../core/waiting-batches.ts";
import type { DeviceOwners } from "../io/device-owners.ts";
import { fingerprint } from "../io/fingerprint.ts";

interface Deps {
  lanes: LaneStreams;
  waker: LaneWaker;
  waiting: WaitingBatches;
  deviceOwners: DeviceOwners;
  newId: () => string;
  /** Why this Redis cannot promise to keep what it was given; empty when it can. */
  durabilityFaults: () => readonly string[];
  log: Logger;
}

interface Options {
  laneCount: number;
  replyTo: string;
  windowMs: number;
  waitMsMax: number;
}

/** `POST /api/v1/documents/batch`: puts a batch on its lane and answers with its results, or 202 while they are due. */
export function createPostBatch(deps: Deps, options: Options): RequestHandler {
  const { lanes, waker, waiting, deviceOwners, newId, durabilityFaults, log } = deps;

  return async (request, response) => {
    const receivedAtMs = Date.now();
    const identity = identityOf(response);
    const body = readBatch(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
    requireRole(identity, body.workspace_id, "writer");
    if (body.device_id !== undefined) {
      await deviceOwners.check(body.workspace_id, body.device_id, identity.subject);
    }
    const waitMs = waitMsOf(request.get("prefer"), options.waitMsMax);
    if (waitMs === 0) requireDurability();

    const { batch, clockSkewMs } = acceptBatch(body, {
      batchId: newId(),
      subject: identity.subject,
      requestId: requestIdOf(response),
      replyTo: options.replyTo,
      nowMs: receivedAtMs,
      newId,
      fingerprint,
    });
    const results = await appendAndWait(request, response, batch, { waitMs, urgent: isUrgent(body) });
    log.info(
      {
        requestId: batch.requestId,
        workspaceId: batch.workspaceId,
        batchId: batch.batchId,
        operations: batch.operations.length,
        durationMs: Date.now() - receivedAtMs,
        answered: results !== undefined,
      },
      "took a batch",
    );
    const answer = batchAnswer(batch.batchId, results ?? pendingResults(batch), {
      processingTimeMs: Date.now() - receivedAtMs,
      drained: results !== undefined,
    });
    const skew = clockSkewMs > 0 ? { clock_skew_ms: clockSkewMs } : {};
    if (answer.status === "pending" || answer.status === "syncing") {
      requireDurability();
      response
        .status(202)
        .location(`/api/v1/batches/${batch.batchId}`)
        .json({ ...answer, ...skew });
      return;
    }
    response.status(batch.atomic && answer.failed > 0 ? 409 : 200).json({ ...answer, ...skew });
  };

  /** A wake-up that fails is no reason to refuse what is already on the lane: the sweep finds it. */
  async function appendAndWait(
    request: Request,
    response: Response,
    batch: AcceptedBatch,
    { waitMs, urgent }: { waitMs: number; urgent: boolean },
  ): Promise<OperationResult[] | undefined> {
    const lane = laneOf(batch.workspaceId, options.laneCount);
    const wait = waitMs > 0 ? waiting.wait(batch, waitMs) : undefined;
    if (wait !== undefined) response.once("close", () => wait.cancel());
    try {
      await inSpan(
        "append batch",
        {
          kind: SpanKind.PRODUCER,
          attributes: {
            "messaging.system": "redis",
            "messaging.operation.type": "send",
            "syncline.lane": lane,
            "syncline.batch_id": batch.batchId,
            "syncline.operations": batch.operations.length,
          },
        },
        () => lanes.appendBatch(lane, batch, injectTrace()),
      );
    } catch (error) {
      wait?.cancel();
      throw error;
    }
    waker.wake(lane, options.windowMs, urgent).catch((error: unknown) => {
      log.warn({ err: error, lane }, "a wake-up failed; the sweep will find the lane");
    });
    return wait?.results;
  }

  function requireDurability(): void {
    const faults = durabilityFaults();
    if (faults.length === 0) return;
    throw new Problem("unavailable", {
      detail: `Redis is not set up to keep what it is given, so nothing is answered 202: ${faults.join("; ")}`,
      retryAfterSeconds: 30,
    });
  }
}

function isUrgent(batch: Batch): boolean {
  return batch.operations.some(
    (operation) => PRIORITIES.indexOf(operation.priority) < PRIORITIES.indexOf("normal"),
  );
}
