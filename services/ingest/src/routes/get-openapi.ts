import type { RequestHandler } from "express";
import { openApiDocument } from "../openapi/openapi-document.ts";

/** `GET /openapi.json`: what this API is. */
export function createGetOpenApi(): RequestHandler {
  const text = `${JSON.stringify(openApiDocument())}\n`;
  return (_request, response) => {
    response.type("application/json").send(text);
  };
}
