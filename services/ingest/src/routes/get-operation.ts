import { identityOf, requireRole } from "@syncline/runtime";
import type { RequestHandler } from "express";
import { namedOperation, type FindLife } from "./find-life.ts";

/** `GET …/operations/{client_id}?device_id=`: the life of an operation. */
export function createGetOperation(
  findLife: FindLife,
): RequestHandler<{ workspaceId: string; clientId: string }> {
  return async (request, response) => {
    requireRole(identityOf(response), request.params.workspaceId, "reader");
    response.json(await findLife(namedOperation(request, response)));
  };
}
