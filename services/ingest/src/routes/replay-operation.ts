import { identityOf, requestIdOf } from "@syncline/kit/http";
import type { RequestHandler } from "express";
import { encodeBatch, Problem, type ClientId, type WorkspaceId } from "@syncline/shared/protocol";
import type { OperationLifeBody } from "../core/operation-life.ts";
import { replayBatch } from "../core/replay-batch.ts";
import type { PgOperations } from "../io/pg-operations.ts";
import { namedOperation, type FindLife } from "./find-life.ts";
import type { TakeBatch } from "./take-batch.ts";

interface Deps {
  findLife: FindLife;
  operations: PgOperations;
  takeBatch: TakeBatch;
  newId: () => string;
}

/**
 * `POST …/operations/{client_id}/replay?device_id=` sends an operation that ended as an error again, once its cause is
 * fixed, and answers like a batch of one. It needs an admin, and replays the operations of any device.
 */
export function createReplayOperation(
  { findLife, operations, takeBatch, newId }: Deps,
  { replyTo }: { replyTo: string },
): RequestHandler<{ workspaceId: WorkspaceId; clientId: ClientId }> {
  return async (request, response) => {
    const nowMs = Date.now();
    const identity = identityOf(response);
    const key = namedOperation(request, response);
    const life = await findLife(key);
    const content = life.replayable ? await operations.readContent(key) : undefined;
    if (content === undefined) throw notReplayable(life);
    const batch = replayBatch(
      { ...key, content },
      { batchId: newId(), subject: identity.subject, requestId: requestIdOf(response), replyTo, nowMs },
    );
    // A person waits for the result.
    await takeBatch(request, response, { ...encodeBatch(batch), urgent: true });
  };
}

function notReplayable({ status, replayable }: OperationLifeBody): Problem {
  return new Problem("not-replayable", { detail: whyNot(status, replayable) });
}

function whyNot(status: OperationLifeBody["status"], replayable: boolean): string {
  if (status !== "error") {
    return `Only an operation that ended as error can be replayed; this one has the status ${status}`;
  }
  if (replayable) return "The operation was replayed by another request";
  return "The operation was part of a group and cannot be replayed alone: send the group again under new client_ids";
}
