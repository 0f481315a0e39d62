import type { Service } from "@syncline/kit/process";
import { createAuditLog } from "@syncline/kit/telemetry";
import { createBarrier, createLaneStreams, type LaneStreams, type OpenRedis } from "@syncline/lanes";
import { createLaneWaker } from "@syncline/lanes/queues";
import type { z } from "zod";
import type { WaitingBatches } from "../core/waiting-batches.ts";
import type { envSchema } from "../env.ts";
import { createAcceptMetrics } from "../io/ingest-metrics.ts";
import type { PgReads } from "../io/pg-reads.ts";
import { createRateLimits } from "../io/rate-limits.ts";
import { watchDurability } from "../io/watch-durability.ts";
import { watchEach } from "../io/watch-each.ts";
import { watchMemory } from "../io/watch-memory.ts";
import type { CarryDocuments } from "../routes/carry-documents.ts";
import { createTakeBatch, type TakeBatch } from "../routes/take-batch.ts";

/** The way of a batch onto its lane. */
export interface Intake {
  lanes: LaneStreams;
  takeBatch: TakeBatch;
}

/** Opens the lanes for batches, and watches whether their Redis keeps data and has memory left. */
export async function openIntake(
  service: Service,
  env: z.infer<typeof envSchema>,
  redis: OpenRedis,
  deps: { waiting: WaitingBatches; reads: PgReads; carryDocuments: CarryDocuments },
): Promise<Intake> {
  const { log } = service;
  const { shards } = redis;
  const durability = await watchEach(shards, (connection) => watchDurability(connection, log));
  service.own("durability watches", durability, (watches) => watches.stop());
  const memory = await watchEach(shards, (connection) => watchMemory(connection, log));
  service.own("memory watches", memory, (watches) => watches.stop());
  const lanes = createLaneStreams(shards, {
    laneOperationsMax: env.LANE_WAITING_OPERATIONS_MAX,
    laneBytesMax: env.LANE_WAITING_BYTES_MAX,
    workspaceOperationsMax: env.WORKSPACE_WAITING_OPERATIONS_MAX,
  });
  const waker = createLaneWaker(shards, service.onConnectionError);
  service.own("wake-ups", waker, (w) => w.close());
  const takeBatch = createTakeBatch(
    {
      ...deps,
      lanes,
      waker,
      durabilityOf: durability.ofLane,
      memoryOf: memory.ofLane,
      barrier: env.REDIS_CLUSTER === "true" ? createBarrier(redis) : undefined,
      rateLimits: createRateLimits(shards, { workspace: env.RATE_WORKSPACE, subject: env.RATE_SUBJECT }),
      audit: createAuditLog(log),
      metrics: createAcceptMetrics(),
      log,
    },
    { laneCount: env.LANES, windowMs: env.WINDOW_MS, waitMsMax: env.WAIT_MS_MAX },
  );
  return { lanes, takeBatch };
}
