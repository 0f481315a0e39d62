import type { BatchHead, EncodedBatch, OperationResult } from "@syncline/shared";
import {
  Problem,
  SpanKind,
  activeSpan,
  inSpan,
  injectTrace,
  laneAttributes,
  markNotable,
  type Appended,
  type Barrier,
  type LaneStreams,
  type LaneWaker,
  type Logger,
} from "@syncline/runtime";
import { laneOf, pendingResults } from "@syncline/shared";
import type { Request, Response } from "express";
import { batchAnswer } from "../core/batch-answer.ts";
import { readPrefer } from "../core/prefer.ts";
import type { WaitingBatches } from "../core/waiting-batches.ts";
import type { AcceptMetrics } from "../io/ingest-metrics.ts";
import type { MemoryWatch } from "../io/watch-memory.ts";
import type { PgReads } from "../io/pg-reads.ts";
import type { RateLimits } from "../io/rate-limits.ts";
import type { DurabilityWatch } from "../io/watch-durability.ts";
import type { CarryDocuments } from "./carry-documents.ts";
import { setApplied } from "./set-applied.ts";

interface Deps {
  lanes: LaneStreams;
  waker: LaneWaker;
  waiting: WaitingBatches;
  /** Whether the Redis that a lane lies on can promise to keep what it is given. */
  durabilityOf: (lane: number) => Pick<DurabilityWatch, "faults" | "retryAfterSeconds">;
  /** Whether it has room for what it would be given. */
  memoryOf: (lane: number) => Pick<MemoryWatch, "hasRoom">;
  /** Whether a failover would keep it. On a cluster only. */
  barrier: Barrier | undefined;
  reads: Pick<PgReads, "readBatches">;
  carryDocuments: CarryDocuments;
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
interface Taken extends EncodedBatch {
  urgent: boolean;
  /** How far ahead of ours the device's clock runs; 0 or less is not worth a word. */
  clockSkewMs?: number;
  /** Makes a problem of an outcome that is not answered as a batch. */
  problemOf?: (results: readonly OperationResult[]) => Promise<Problem | undefined>;
}

/** For the lane to get through part of what waits, or a replica to be there. */
const RETRY_AFTER_SECONDS = { workspace: 1, lane: 2, memory: 2, replica: 1 };

/** A batch on its lane. */
interface Accepted {
  /** `undefined` where nothing was heard in time, or nobody waits. */
  results: Promise<OperationResult[] | undefined> | undefined;
  /** Whose history it is part of: see {@link Barrier}. */
  history: string | undefined;
}

/** Puts a batch on its lane and answers with its results, or 202 while they are due. */
export type TakeBatch = (
  request: Pick<Request, "get" | "ip">,
  response: Response,
  taken: Taken,
) => Promise<void>;

export function createTakeBatch(deps: Deps, options: Options): TakeBatch {
  const { lanes, waker, waiting, durabilityOf, memoryOf, barrier, reads, carryDocuments } = deps;
  const { rateLimits, audit, metrics, log } = deps;

  return async (request, response, { head: batch, json, urgent, clockSkewMs = 0, problemOf }) => {
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
      "took a batch",
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
    response.status(batch.atomic && answer.failed > 0 ? 409 : 200).json({ ...answer, ...skew });
  };

  /** A wake-up that fails is no reason to refuse what is already on the lane: the sweep finds it. */
  async function appendBatch(
    response: Response,
    encoded: EncodedBatch,
    { lane, waitMs, urgent }: { lane: number; waitMs: number; urgent: boolean },
  ): Promise<Accepted> {
    const batch = encoded.head;
    // Who has left by now does not wait.
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
    const history = barrier?.historyOf(lane);
    metrics.accepted(batch.operations.length);
    return { results: wait?.results, history };
  }

  /**
   * A failover loses what no replica has: that is not answered 202. The batch is accepted all the same, and may have been
   * committed meanwhile; then it is answered with its results. Else the client sends it again.
   */
  async function requireReplica(
    batch: BatchHead,
    lane: number,
    history: string | undefined,
  ): Promise<OperationResult[] | undefined> {
    if (barrier === undefined) return undefined;
    try {
      if (await barrier.isReplicated(lane, history)) return undefined;
      log.warn({ lane }, "no replica has confirmed a batch, so it is not answered 202");
    } catch (error) {
      log.warn({ err: error, lane }, "no replica could be asked for a batch, so it is not answered 202");
    }
    const [drained] = await reads.readBatches([batch]);
    if (drained !== undefined) return drained.results;
    throw new Problem("unavailable", {
      detail: "No replica of Redis has confirmed the batch. It may be applied all the same; send it again",
      retryAfterSeconds: RETRY_AFTER_SECONDS.replica,
    });
  }

  function requireMemory(lane: number): void {
    if (memoryOf(lane).hasRoom()) return;
    throw new Problem("overloaded", {
      detail: "Redis has little memory left",
      retryAfterSeconds: RETRY_AFTER_SECONDS.memory,
    });
  }

  function requireDurability(lane: number): void {
    const durability = durabilityOf(lane);
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
