import type { RequestHandler } from "express";

const LINKS = {
  name: "Syncline",
  openapi: "/openapi.json",
  health: "/healthz",
  readiness: "/readyz",
  documentation: "README.md and docs/protocol.md in the repository",
};

/** `GET /` names the server and its entry points. */
export function createGetRoot(): RequestHandler {
  return (_request, response) => {
    response.json(LINKS);
  };
}
