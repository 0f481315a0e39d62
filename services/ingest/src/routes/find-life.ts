import { identityOf, readQuery } from "@syncline/kit/http";
import { Problem, type BackoffBounds, type ClientId, type WorkspaceId } from "@syncline/shared/protocol";
import type { Request, Response } from "express";
import { z } from "zod";
import { SUBJECT_DEVICE_PREFIX } from "../core/accept-batch.ts";
import {
  acceptedLife,
  operationLife,
  type OperationKey,
  type OperationLifeBody,
  type OperationOnLane,
} from "../core/operation-life.ts";
import type { PgOperations } from "../io/pg-operations.ts";

export const operationQuerySchema = z.object({
  device_id: z
    .string()
    .max(SUBJECT_DEVICE_PREFIX.length + 200)
    .regex(/^\P{Cc}+$/u, "must not be empty, nor contain control characters")
    .optional()
    .describe("The device that sent the operation; by default the token's subject"),
});

/**
 * Returns the key of the operation that a request names. Without a device the token's subject stands in, as in a batch.
 */
export function namedOperation(
  request: Request<{ workspaceId: WorkspaceId; clientId: ClientId }>,
  response: Response,
): OperationKey {
  const { device_id: deviceId } = readQuery(operationQuerySchema, request);
  return { ...request.params, deviceId: deviceId ?? SUBJECT_DEVICE_PREFIX + identityOf(response).subject };
}

/**
 * Finds an operation in the ledger or on its lane.
 * @throws {@link Problem} `not-found` if neither has it
 */
export type FindLife = (key: OperationKey) => Promise<OperationLifeBody>;

export function createFindLife(
  deps: {
    operations: PgOperations;
    findOnLane: (key: OperationKey) => Promise<OperationOnLane | undefined>;
  },
  options: { mergeBackoff: BackoffBounds },
): FindLife {
  return async (key) => {
    const inLedger = async () => {
      const story = await deps.operations.read(key);
      return story === undefined ? undefined : operationLife(story, options.mergeBackoff);
    };
    const onLane = async () => {
      const accepted = await deps.findOnLane(key);
      return accepted === undefined ? undefined : acceptedLife(accepted);
    };
    // The operation may be drained between the first two reads, and leaves the lane only after the ledger has it.
    const life = (await inLedger()) ?? (await onLane()) ?? (await inLedger());
    if (life !== undefined) return life;
    throw new Problem("not-found", {
      detail: "Neither the ledger nor the searched part of the lane has this operation of this device",
    });
  };
}
