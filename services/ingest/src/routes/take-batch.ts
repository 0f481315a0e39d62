import { Problem, type BatchHead, type EncodedBatch, type OperationResult } from "@syncline/shared/protocol";
import { SpanKind, activeSpan, inSpan, injectTrace, markNotable, type Logger } from "@syncline/kit/telemetry";
import { laneAttributes, type Appended, type Barrier, type LaneStreams } from "@syncline/lanes";
import type { LaneWaker } from "@syncline/lanes/queues";
import { laneOf, pendingResults } from "@syncline/shared/protocol";
import type { Request, Response } from "express";
import { batchAnswer } from "../core/batch-answer.ts";
import { readPrefer } from "../core/prefer.ts";
import type { WaitingBatches } from "../core/waiting-batches.ts";
import type { AcceptMetrics } from "../io/ingest-metrics.ts";
import type { MemoryWatch } from "../io/watch-memory.ts";
import type { PgReads } from "../io/pg-reads.ts";
import type { RateLimits } from "../io/rate-limits.ts";
import type { DurabilityWatch } from "../io/watch-durability.ts";
import type { ReadBatchFeed } from "./batch-feed.ts";
import type { CarryDocuments } from "./carry-documents.ts";
import { setApplied } from "./set-applied.ts";

interface Deps {
  lanes: LaneStreams;
  waker: LaneWaker;
  waiting: WaitingBatches;
  /** Reports whether a lane's Redis is set up to keep written data. */
  durabilityOf: (lane: number) => Pick<DurabilityWatch, "faults" | "retryAfterSeconds">;
  /** Reports whether a lane's Redis has memory left for a batch. */
  memoryOf: (lane: number) => Pick<MemoryWatch, "hasRoom">;
  /** Checks that a write survives a failover; on a cluster only. */
  barrier: Barrier | undefined;
  reads: Pick<PgReads, "readBatches">;
  carryDocuments: CarryDocuments;
  /** `undefined` if no limit is set. */
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

/** A batch to accept; an urgent one makes its lane drain without delay. */
interface Taken extends EncodedBatch {
  urgent: boolean;
  /** Lead of the device's clock over the server's; not reported if 0 or less. */
  clockSkewMs?: number;
  /** Reads the page of the feed that the answer carries. */
  readFeed?: ReadBatchFeed | undefined;
  /** Builds a problem from results that are not answered as a batch. */
  problemOf?: (results: readonly OperationResult[]) => Promise<Problem | undefined>;
}

/** Seconds until the backlog has shrunk, memory is free, or a replica is connected. */
const RETRY_AFTER_SECONDS = { workspace: 1, lane: 2, memory: 2, replica: 1 };

/** A batch on its lane. */
interface Accepted {
  /** `undefined` if no reply came in time, or the request does not wait. */
  results: Promise<OperationResult[] | undefined> | undefined;
  /** The replication id that the batch was written under: see {@link Barrier}. */
  history: string | undefined;
}

/** Appends a batch to its lane and answers with its results, or with 202 while they are pending. */
export type TakeBatch = (
  request: Pick<Request, "get" | "ip">,
  response: Response,
  taken: Taken,
) => Promise<void>;

export function createTakeBatch(deps: Deps, options: Options): TakeBatch {
  const { lanes, waker, waiting, durabilityOf, memoryOf, barrier, reads, carryDocuments } = deps;
  const { rateLimits, audit, metrics, log } = deps;

  return async (request, response, taken) => {
    const { head: batch, json, urgent, clockSkewMs = 0, problemOf, readFeed } = taken;
    const preferences = readPrefer(request.get("prefer"), options.waitMsMax);
    const { waitMs } = preferences;
    const lane = laneOf(batch.workspaceId, options.laneCount);
    if (waitMs === 0) requireDurability(lane);
    requireMemory(lane);
    await rateLimits?.count(response, batch);
    const appended = await appendBatch(response, { head: batch, json }, { lane, waitMs, urgent });
    audit.info(
      {
        requestId: batch.requestId,
        subject: batch.subject,
        from: request.ip,
        workspaceId: batch.workspaceId,
        deviceId: batch.deviceId,
        batchId: batch.batchId,
        operations: batch.operations.length,
      },
      "batch accepted",
    );
    let results = await appended.results;
    const durationMs = Date.now() - batch.acceptedAtMs;
    if (results === undefined) {
      requireDurability(lane);
      results = await requireReplica(batch, lane, appended.history);
    }
    const span = activeSpan();
    if (results !== undefined) span.addEvent("reply");
    if (results?.some(({ status, merged }) => status !== "success" || merged)) markNotable(span);
    const problem = results && (await problemOf?.(results));
    if (problem !== undefined) throw problem;
    const shown = results && (await carryDocuments(batch, results, preferences));
    const answer = batchAnswer(batch.batchId, shown ?? pendingResults(batch), {
      processingTimeMs: durationMs,
      drained: results !== undefined,
    });
    span.setAttribute("syncline.batch.status", answer.status);
    setApplied(response, preferences);
    const skew = clockSkewMs > 0 ? { clock_skew_ms: clockSkewMs } : {};
    if (answer.status === "pending" || answer.status === "syncing") {
      requireDurability(lane);
      response
        .status(202)
        .location(`/api/v1/batches/${batch.batchId}`)
        .json({ ...answer, ...skew });
      return;
    }
    const feed = await readFeed?.();
    response.status(batch.atomic && answer.failed > 0 ? 409 : 200).json({ ...answer, ...skew, ...feed });
  };

  /** Appends a batch and wakes its lane. If the wake-up fails, the batch stays accepted: the sweep finds the lane. */
  async function appendBatch(
    response: Response,
    encoded: EncodedBatch,
    { lane, waitMs, urgent }: { lane: number; waitMs: number; urgent: boolean },
  ): Promise<Accepted> {
    const batch = encoded.head;
    // A client that has already left does not wait.
    const wait = waitMs > 0 && !response.closed ? waiting.wait(batch, waitMs) : undefined;
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
      () => lanes.appendBatch(lane, encoded, injectTrace()),
    );
    // The wake-up uses the same connection, so it arrives after the batch, and both are synced to disk at once.
    waker.wake(lane, options.windowMs, urgent).catch((error: unknown) => {
      log.warn({ err: error, lane }, "waking a lane failed; the sweep will find it");
    });
    try {
      requireAppended(await appended);
    } catch (error) {
      wait?.cancel();
      throw error;
    }
    const history = barrier?.historyOf(lane);
    metrics.accepted(batch.operations.length);
    return { results: wait?.results, history };
  }

  /**
   * Refuses a 202 for a batch that no replica has, because a failover would lose it. The batch stays accepted and may
   * have been committed meanwhile; then its results are returned. Otherwise the client sends it again.
   */
  async function requireReplica(
    batch: BatchHead,
    lane: number,
    history: string | undefined,
  ): Promise<OperationResult[] | undefined> {
    if (barrier === undefined) return undefined;
    try {
      if (await barrier.isReplicated(lane, history)) return undefined;
      log.warn({ lane }, "no replica confirmed a batch in time, so it is not answered 202");
    } catch (error) {
      log.warn({ err: error, lane }, "asking the replicas for a batch failed, so it is not answered 202");
    }
    const [drained] = await reads.readBatches([batch]);
    if (drained !== undefined) return drained.results;
    throw new Problem("unavailable", {
      detail: "No replica of Redis has confirmed the batch. It may still be applied; send it again",
      retryAfterSeconds: RETRY_AFTER_SECONDS.replica,
    });
  }

  function requireMemory(lane: number): void {
    if (memoryOf(lane).hasRoom()) return;
    throw new Problem("overloaded", {
      detail: "Redis has little memory left; send the batch again after Retry-After",
      retryAfterSeconds: RETRY_AFTER_SECONDS.memory,
    });
  }

  function requireDurability(lane: number): void {
    const durability = durabilityOf(lane);
    const faults = durability.faults();
    if (faults.length === 0) return;
    throw new Problem("unavailable", {
      detail: `Redis may lose accepted batches, so none is answered 202: ${faults.join("; ")}`,
      retryAfterSeconds: durability.retryAfterSeconds(),
    });
  }
}

/** @throws a problem if the batch was rejected because a backlog limit is reached */
function requireAppended(appended: Appended): void {
  if (appended === "workspace-full") {
    throw new Problem("too-many-waiting", {
      detail: "Backlog limit of the workspace reached; wait until some of its operations are applied",
      retryAfterSeconds: RETRY_AFTER_SECONDS.workspace,
    });
  }
  if (appended === "lane-full") {
    throw new Problem("overloaded", {
      detail: "Lane backlog limit reached; send the batch again after Retry-After",
      retryAfterSeconds: RETRY_AFTER_SECONDS.lane,
    });
  }
}
