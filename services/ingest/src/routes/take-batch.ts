import type { AcceptedBatch, OperationResult } from "@syncline/shared";
import {
  Problem,
  SpanKind,
  activeSpan,
  inSpan,
  injectTrace,
  laneAttributes,
  markNotable,
  type Appended,
  type LaneStreams,
  type LaneWaker,
  type Logger,
} from "@syncline/runtime";
import { laneOf, pendingResults } from "@syncline/shared";
import type { Request, Response } from "express";
import { batchAnswer } from "../core/batch-answer.ts";
import { waitMsOf } from "../core/prefer.ts";
import type { WaitingBatches } from "../core/waiting-batches.ts";
import type { AcceptMetrics } from "../io/ingest-metrics.ts";
import type { MemoryWatch } from "../io/watch-memory.ts";
import type { RateLimits } from "../io/rate-limits.ts";
import type { DurabilityWatch } from "../io/watch-durability.ts";

interface Deps {
  lanes: LaneStreams;
  waker: LaneWaker;
  waiting: WaitingBatches;
  /** Whether this Redis can promise to keep what it is given. */
  durability: Pick<DurabilityWatch, "faults" | "retryAfterSeconds">;
  /** Whether Redis has room for what it would be given. */
  memory: Pick<MemoryWatch, "hasRoom">;
  /** None where none is set. */
  rateLimits: RateLimits | undefined;
  audit: Logger;
  metrics: AcceptMetrics;
  log: Logger;
}

interface Options {
  laneCount: number;
  windowMs: number;
  waitMsMax: number;
}

/** A batch to take: an urgent one does not wait for company. */
interface Taken {
  batch: AcceptedBatch;
  urgent: boolean;
  /** How far ahead of ours the device's clock runs; 0 or less is not worth a word. */
  clockSkewMs?: number;
  /** Makes a problem of an outcome that is not answered as a batch. */
  problemOf?: (results: readonly OperationResult[]) => Promise<Problem | undefined>;
}

/** For the lane to get through part of what waits. */
const RETRY_AFTER_SECONDS = { workspace: 1, lane: 2, memory: 2 };

/** Puts a batch on its lane and answers with its results, or 202 while they are due. */
export type TakeBatch = (
  request: Pick<Request, "get" | "ip">,
  response: Response,
  taken: Taken,
) => Promise<void>;

export function createTakeBatch(deps: Deps, options: Options): TakeBatch {
  const { lanes, waker, waiting, durability, memory, rateLimits, audit, metrics, log } = deps;

  return async (request, response, { batch, urgent, clockSkewMs = 0, problemOf }) => {
    const waitMs = waitMsOf(request.get("prefer"), options.waitMsMax);
    if (waitMs === 0) requireDurability();
    requireMemory();
    await rateLimits?.count(response, batch);
    const results = await appendAndWait(response, batch, { waitMs, urgent });
    const durationMs = Date.now() - batch.acceptedAtMs;
    audit.info(
      {
        requestId: batch.requestId,
        subject: batch.subject,
        from: request.ip,
        workspaceId: batch.workspaceId,
        deviceId: batch.deviceId,
        batchId: batch.batchId,
        operations: batch.operations.length,
        durationMs,
        answered: results !== undefined,
      },
      "took a batch",
    );
    const span = activeSpan();
    if (results !== undefined) span.addEvent("reply");
    if (results?.some(({ status, merged }) => status !== "success" || merged)) markNotable(span);
    const problem = results && (await problemOf?.(results));
    if (problem !== undefined) throw problem;
    const answer = batchAnswer(batch.batchId, results ?? pendingResults(batch), {
      processingTimeMs: durationMs,
      drained: results !== undefined,
    });
    span.setAttribute("syncline.batch.status", answer.status);
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
    response: Response,
    batch: AcceptedBatch,
    { waitMs, urgent }: { waitMs: number; urgent: boolean },
  ): Promise<OperationResult[] | undefined> {
    const lane = laneOf(batch.workspaceId, options.laneCount);
    const wait = waitMs > 0 ? waiting.wait(batch, waitMs) : undefined;
    if (wait !== undefined) response.once("close", () => wait.cancel());
    const appended = inSpan(
      "append batch",
      {
        kind: SpanKind.PRODUCER,
        attributes: {
          ...laneAttributes(lane, { name: "append", type: "send" }),
          "syncline.batch_id": batch.batchId,
          "syncline.operations": batch.operations.length,
        },
      },
      () => lanes.appendBatch(lane, batch, injectTrace()),
    );
    // Over the same connection, so it arrives behind the batch, and both are synced to disk at once.
    waker.wake(lane, options.windowMs, urgent).catch((error: unknown) => {
      log.warn({ err: error, lane }, "a wake-up failed; the sweep will find the lane");
    });
    try {
      requireAppended(await appended);
    } catch (error) {
      wait?.cancel();
      throw error;
    }
    metrics.accepted(batch.operations.length);
    return wait?.results;
  }

  function requireMemory(): void {
    if (memory.hasRoom()) return;
    throw new Problem("overloaded", {
      detail: "Redis has little memory left",
      retryAfterSeconds: RETRY_AFTER_SECONDS.memory,
    });
  }

  function requireDurability(): void {
    const faults = durability.faults();
    if (faults.length === 0) return;
    throw new Problem("unavailable", {
      detail: `Redis is not set up to keep what it is given, so nothing is answered 202: ${faults.join("; ")}`,
      retryAfterSeconds: durability.retryAfterSeconds(),
    });
  }
}

/** @throws a problem where nothing was accepted, because too much waits already */
function requireAppended(appended: Appended): void {
  if (appended === "workspace-full") {
    throw new Problem("too-many-waiting", {
      detail: "More operations of this workspace wait to be applied than may; let some be applied first",
      retryAfterSeconds: RETRY_AFTER_SECONDS.workspace,
    });
  }
  if (appended === "lane-full") {
    throw new Problem("overloaded", {
      detail: "More operations wait to be applied than may",
      retryAfterSeconds: RETRY_AFTER_SECONDS.lane,
    });
  }
}
