import { identityOf } from "@syncline/kit/http";
import type { Logger } from "@syncline/kit/telemetry";
import { isFinal, type BatchResult, type BatchId } from "@syncline/shared/protocol";
import type { RequestHandler } from "express";
import type { WatchedWorkspaces } from "../core/watched-workspaces.ts";
import { readPrefer } from "../core/prefer.ts";
import { streamEvents } from "../io/event-stream.ts";
import type { CarryDocuments } from "./carry-documents.ts";
import { unknownBatch, type FindBatch } from "./find-batch.ts";
import { answerOf } from "./get-batch.ts";
import type { OpenStreamOf } from "./open-stream.ts";
import { setApplied } from "./set-applied.ts";

/** Longest time between two reads of a batch, in milliseconds. */
const LOOK_MS_MAX = 2_000;

interface Deps {
  findBatch: FindBatch;
  carryDocuments: CarryDocuments;
  watched: WatchedWorkspaces;
  openStream: OpenStreamOf;
  log: Logger;
}

/**
 * `GET /api/v1/batches/{batch_id}/events` streams the progress of a batch as server-sent events: `progress` with the
 * batch's answer whenever it has changed, and `done` once it is final.
 */
export function createGetBatchEvents(deps: Deps): RequestHandler<{ batchId: BatchId }> {
  const { findBatch, carryDocuments, watched, openStream, log } = deps;

  return async (request, response) => {
    const { batchId } = request.params;
    const identity = identityOf(response);
    const preferences = readPrefer(request.get("prefer"), 0);
    const first = await findBatch(batchId, identity);
    if (first === undefined) throw unknownBatch();
    const stream = openStream(response);
    setApplied(response, preferences, ["return=minimal"]);
    try {
      const watch = watched.watch(first.workspaceId, stream.signal);
      await streamEvents(response, stream, log, async (events) => {
        let sent: BatchResult | undefined;
        while (!stream.signal.aborted) {
          watch.clear();
          const found = await findBatch(batchId, identity);
          // The batch was lost before it was drained: the client reconnects and gets a 404.
          if (found === undefined) return;
          const { answer } = found;
          if (sent === undefined || !saysTheSame(answer, sent)) {
            const data = await answerOf(found, preferences, carryDocuments);
            await events.send({ event: "progress", data });
            sent = answer;
          }
          if (answer.status !== "pending" && isFinal(answer.results)) {
            await events.send({ event: "done", data: { batch_id: batchId, status: answer.status } });
            return;
          }
          // Any commit to the workspace may have been part of this batch. No notification comes for a batch that Redis
          // lost.
          await watch.next(LOOK_MS_MAX);
        }
      });
    } finally {
      stream.end();
    }
  };
}

/** Compares two answers without their times, which are no progress. */
function saysTheSame(a: BatchResult, b: BatchResult): boolean {
  return a.status === b.status && JSON.stringify(a.results) === JSON.stringify(b.results);
}
