import type { Endpoint, ParametersOf, WorkspaceId } from "@syncline/shared/protocol";
import type { Express, RequestHandler } from "express";
import { identityOf } from "./request-context.ts";
import { requireRole } from "./token-verifier.ts";

type Endpoints = Readonly<Record<string, Endpoint>>;

/** The handler of each endpoint, by its name. */
export type Handlers<Table extends Endpoints> = {
  [Name in keyof Table]: RequestHandler<ParametersOf<Table[Name]["path"]>>;
};

/**
 * Adds routes from a table. If a path names a workspace, the endpoint's role in it is required first; other endpoints
 * check it themselves, once they know the workspace.
 *
 * @param checksOf - further handlers of an endpoint, which run before its own
 */
export function addEndpoints<Table extends Endpoints>(
  app: Express,
  table: Table,
  handlers: Handlers<Table>,
  checksOf: (name: keyof Table) => readonly RequestHandler[],
): void {
  for (const [name, { method, path, role }] of Object.entries(table)) {
    const guards = role !== undefined && path.includes("/:workspaceId/") ? [guardOf(role)] : [];
    // Each handler's parameters are those of its own path.
    const handler = handlers[name] as RequestHandler;
    app[method](path, ...guards, ...checksOf(name), handler);
  }
}

function guardOf(role: NonNullable<Endpoint["role"]>): RequestHandler {
  return (request, response, next) => {
    requireRole(identityOf(response), request.params["workspaceId"] as WorkspaceId, role);
    next();
  };
}
