import { addEndpoints, requireNoQuery, type Handlers } from "@syncline/kit/http";
import { ENDPOINTS, Problem, type EndpointName } from "@syncline/shared/protocol";
import type { Express, RequestHandler } from "express";
import { CONTRACTS } from "../openapi/contracts.ts";

/** The handler of each route of the public API. */
export type Routes = Handlers<typeof ENDPOINTS>;

/** Adds the public API. A route with query parameters reads them itself. */
export function addRoutes(app: Express, routes: Routes): void {
  addEndpoints(app, ENDPOINTS, routes, checksOf);
}

function checksOf(name: EndpointName): RequestHandler[] {
  const { query, body } = CONTRACTS[name];
  return [...(query === undefined ? [requireNoQuery] : []), ...(body === undefined ? [] : [requireJson])];
}

const requireJson: RequestHandler = (request, _response, next) => {
  if (!request.is(["application/json", "application/*+json"])) {
    throw new Problem("unsupported-media-type", { detail: "Send Content-Type: application/json" });
  }
  next();
};
