import type { ClientId, WorkspaceId } from "@syncline/shared/protocol";
import type { RequestHandler } from "express";
import { readPrefer } from "../core/prefer.ts";
import type { CarryDocuments } from "./carry-documents.ts";
import { namedOperation, type FindLife } from "./find-life.ts";
import { setApplied } from "./set-applied.ts";

/** `GET …/operations/{client_id}?device_id=` returns the life of an operation. */
export function createGetOperation(deps: {
  findLife: FindLife;
  carryDocuments: CarryDocuments;
}): RequestHandler<{ workspaceId: WorkspaceId; clientId: ClientId }> {
  return async (request, response) => {
    const preferences = readPrefer(request.get("prefer"), 0);
    const key = namedOperation(request, response);
    const life = await deps.findLife(key);
    const [result = life.result] = await deps.carryDocuments(key, [life.result], preferences);
    setApplied(response, preferences, ["return=minimal"]);
    response.json({ ...life, result });
  };
}
