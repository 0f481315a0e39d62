import express, { type Express, type RequestHandler } from "express";
import { addRoutes as addConflictRoutes } from "../../services/conflict/src/routes/add-routes.ts";
import { addRoutes as addIngestRoutes } from "../../services/ingest/src/parts/add-routes.ts";

/** A route as a service registers it. */
export interface Route {
  service: "ingest" | "conflict";
  /** `get`, `post`, … */
  method: string;
  /** In Express's syntax: `/api/v1/batches/:batchId`. */
  path: string;
}

/** Lists every route of the services, as they register them. */
export function listRoutes(): Route[] {
  const handler: RequestHandler = () => undefined;
  const ingest = express();
  // Any name returns a handler, which is never called.
  addIngestRoutes(ingest, new Proxy({} as Parameters<typeof addIngestRoutes>[1], { get: () => handler }));
  const conflict = express();
  addConflictRoutes(conflict, {} as Parameters<typeof addConflictRoutes>[1]);
  return [...routesOf(ingest, "ingest"), ...routesOf(conflict, "conflict")];
}

export const nameOf = ({ service, method, path }: Route): string =>
  `${service} ${method.toUpperCase()} ${path}`;

function routesOf(app: Express, service: Route["service"]): Route[] {
  return app.router.stack.flatMap(({ route }) =>
    route === undefined
      ? []
      : [...new Set(route.stack.map(({ method }) => method))].map((method) => ({
          service,
          method,
          path: route.path,
        })),
  );
}
