import express, { type RequestHandler } from "express";
import { expect, it } from "vitest";
import { openApiDocument } from "../openapi/openapi-document.ts";
import { addRoutes } from "./add-routes.ts";

function routesOfRouter(): string[] {
  const app = express();
  const handler: RequestHandler = () => undefined;
  addRoutes(app, new Proxy({} as Parameters<typeof addRoutes>[1], { get: () => handler }));
  return app.router.stack.flatMap(({ route }) =>
    route === undefined
      ? []
      : [...new Set(route.stack.map(({ method }) => method))].map(
          (method) => `${method} ${route.path.replace(/:(\w+)/g, "{$1}")}`,
        ),
  );
}

it("adds every route that the OpenAPI document describes, and no other route", () => {
  const paths = openApiDocument()["paths"] as Record<string, object>;
  const described = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  );
  expect(routesOfRouter().sort()).toEqual(described.sort());
});
