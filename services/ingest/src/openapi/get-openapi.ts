import type { RequestHandler } from "express";
import { openApiDocument } from "./openapi-document.ts";

/** `GET /openapi.json` returns the API's OpenAPI document. */
export function createGetOpenApi(): RequestHandler {
  const text = `${JSON.stringify(openApiDocument())}\n`;
  return (_request, response) => {
    response.type("application/json").send(text);
  };
}
