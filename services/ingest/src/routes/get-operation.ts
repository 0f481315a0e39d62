import { Problem, identityOf, requireRole } from "@syncline/runtime";
import type { RequestHandler } from "express";
import { z } from "zod";
import { SUBJECT_DEVICE_PREFIX } from "../core/accept-batch.ts";
import { operationLife } from "../core/operation-life.ts";
import type { PgOperations } from "../io/pg-operations.ts";
import { readQuery } from "./read-query.ts";

const querySchema = z.object({
  /** One that stands for a subject may be longer than an id. */
  device_id: z
    .string()
    .max(SUBJECT_DEVICE_PREFIX.length + 200)
    .regex(/^\P{Cc}+$/u, "must not be empty, nor contain control characters")
    .optional(),
});

/**
 * `GET …/operations/{client_id}?device_id=`: the life of an operation. Without a device the token's subject stands in,
 * as it does in a batch.
 */
export function createGetOperation(
  operations: PgOperations,
): RequestHandler<{ workspaceId: string; clientId: string }> {
  return async (request, response) => {
    const { workspaceId, clientId } = request.params;
    const identity = identityOf(response);
    requireRole(identity, workspaceId, "reader");
    const { device_id: deviceId } = readQuery(querySchema, request.query);
    const story = await operations.read(
      workspaceId,
      deviceId ?? SUBJECT_DEVICE_PREFIX + identity.subject,
      clientId,
    );
    if (story === undefined) {
      throw new Problem("not-found", {
        detail:
          "This device has no such operation in the ledger. One that is still on its lane is seen by its batch; a skipped one is not kept",
      });
    }
    response.set("cache-control", "no-store").json(operationLife(story));
  };
}
