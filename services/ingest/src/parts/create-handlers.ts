import type { Service } from "@syncline/kit/process";
import type { OpenRedis } from "@syncline/lanes";
import { mergeBackoffOf } from "@syncline/lanes/queues";
import type { Policies } from "@syncline/shared/merge";
import { laneOf } from "@syncline/shared/protocol";
import { v7 as uuidv7 } from "uuid";
import type { z } from "zod";
import type { envSchema } from "../env.ts";
import { createAskConflictService } from "../io/conflict-service.ts";
import { createDeviceOwners } from "../io/device-owners.ts";
import { createFindOnLane } from "../io/find-on-lane.ts";
import { createPrepareBodies } from "../io/prepare-bodies.ts";
import { createGetOpenApi } from "../openapi/get-openapi.ts";
import type { Routes } from "./add-routes.ts";
import type { CarryDocuments } from "../routes/carry-documents.ts";
import { createBatchFeedOf } from "../routes/batch-feed.ts";
import { createFindBatch } from "../routes/find-batch.ts";
import { createFindLife, type FindLife } from "../routes/find-life.ts";
import { createForwardConflicts } from "../routes/forward-conflicts.ts";
import { createGetBatchEvents } from "../routes/get-batch-events.ts";
import { createGetBatch } from "../routes/get-batch.ts";
import { createGetChangeEvents } from "../routes/get-change-events.ts";
import { createGetChanges } from "../routes/get-changes.ts";
import { createGetEvents } from "../routes/get-events.ts";
import { createGetDocument } from "../routes/get-document.ts";
import { createGetHistory } from "../routes/get-history.ts";
import { createGetOperation } from "../routes/get-operation.ts";
import { createGetRoot } from "../routes/get-root.ts";
import { createGetSnapshot } from "../routes/get-snapshot.ts";
import { createListDocuments } from "../routes/list-documents.ts";
import { createListWorkspaces } from "../routes/list-workspaces.ts";
import { createListOperations } from "../routes/list-operations.ts";
import { createOpenStream } from "../routes/open-stream.ts";
import { createPostBatch } from "../routes/post-batch.ts";
import { createReadFeedPage } from "../routes/read-feed-page.ts";
import { createReplayOperation } from "../routes/replay-operation.ts";
import { createResolveConflict } from "../routes/resolve-conflict.ts";
import { createWithBody } from "../routes/with-body.ts";
import type { Bounds } from "./create-bounds.ts";
import type { Intake } from "./open-intake.ts";
import type { Reads } from "./open-reads.ts";
import type { Replies } from "./open-replies.ts";

type Env = z.infer<typeof envSchema>;

interface Parts extends Reads, Replies, Intake {
  service: Service;
  env: Env;
  redis: OpenRedis;
  bounds: Bounds;
  carryDocuments: CarryDocuments;
  policies: Policies;
  epoch: string;
}

/** Creates the handler of every route. */
export function createHandlers(parts: Parts): Routes {
  // Created once: it limits the searches of a process.
  const findLife = findLifeOf(parts);
  return { ...createReaders(parts, findLife), ...createWriters(parts, findLife) };
}

type Writers = "postBatch" | "replayOperation" | "resolveConflict";

/** Handlers of the routes that put a batch on a lane. */
function createWriters(parts: Parts, findLife: FindLife): Pick<Routes, Writers> {
  const { service, env, bounds, reads, operations, heldQueueLimit, policies, takeBatch } = parts;
  const to = { replyTo: parts.replyTo };
  const newId = uuidv7;
  const withBody = createWithBody({ memory: bounds.bodyBytes, rateMin: env.BODY_BYTES_PER_SECOND_MIN });
  const bodies = createPrepareBodies({ threads: env.BODY_THREADS });
  service.own("threads for bodies", bodies, (b) => b.close());
  const deviceOwners = createDeviceOwners(reads);
  const readFeedPage = createReadFeedPage({ feed: parts.feed, carryDocuments: parts.carryDocuments });
  const batchFeedOf = createBatchFeedOf({ readFeedPage, epoch: parts.epoch, log: service.log });
  const askConflictService = createAskConflictService(env.CONFLICT_URL);
  return {
    postBatch: withBody(
      createPostBatch({ bodies, deviceOwners, heldQueueLimit, policies, takeBatch, batchFeedOf, newId }, to),
    ),
    replayOperation: createReplayOperation({ findLife, operations, takeBatch, newId }, to),
    resolveConflict: withBody(
      createResolveConflict({ askConflictService, bodies, deviceOwners, takeBatch, newId }, to),
    ),
  };
}

/** Handlers of the routes that only read. */
function createReaders(parts: Parts, findLife: FindLife): Omit<Routes, Writers> {
  const { env, bounds, lanes, reads, operations, feed, watched, carryDocuments, epoch } = parts;
  const { log } = parts.service;
  const openStream = createOpenStream(bounds.streams, bounds.requests);
  const openSnapshot = createOpenStream(bounds.snapshots, bounds.requests);
  const findBatch = createFindBatch({ lanes, reads });
  const readFeedPage = createReadFeedPage({ feed, carryDocuments });
  const forwardConflicts = createForwardConflicts(createAskConflictService(env.CONFLICT_URL));
  return {
    getRoot: createGetRoot(),
    getOpenApi: createGetOpenApi(),
    getBatch: createGetBatch({ findBatch, carryDocuments }),
    getBatchEvents: createGetBatchEvents({ findBatch, carryDocuments, watched, openStream, log }),
    listWorkspaces: createListWorkspaces({ feed, epoch }),
    listDocuments: createListDocuments(feed),
    getDocument: createGetDocument(reads),
    getHistory: createGetHistory({ feed, reads }),
    getChanges: createGetChanges({ readFeedPage, watched, openStream, epoch }),
    getChangeEvents: createGetChangeEvents({ feed, carryDocuments, watched, openStream, epoch, log }),
    getEvents: createGetEvents({ feed, carryDocuments, watched, openStream, epoch, log }),
    getSnapshot: createGetSnapshot({ feed, openStream: openSnapshot, epoch, log }),
    listOperations: createListOperations(operations),
    getOperation: createGetOperation({ findLife, carryDocuments }),
    listConflicts: forwardConflicts,
    getConflict: forwardConflicts,
    previewConflict: forwardConflicts,
  };
}

function findLifeOf({ env, redis, operations }: Parts): FindLife {
  const findOnLane = createFindOnLane();
  return createFindLife(
    {
      operations,
      findOnLane: (key) => {
        const lane = laneOf(key.workspaceId, env.LANES);
        return findOnLane(redis.shards.ofLane(lane), lane, key);
      },
    },
    { mergeBackoff: mergeBackoffOf(env) },
  );
}
