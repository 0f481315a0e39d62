import express, { type ErrorRequestHandler } from "express";
import pg from "pg";
import type { WireBatch, WireResult } from "./wire.ts";

/** An Express handler as people write it: it parses the body, and answers once a batch is applied. Nobody checks a token. */
export function serveBatches(
  apply: (batch: WireBatch) => Promise<readonly WireResult[]>,
  status = 200,
): void {
  const app = express();
  app.use(express.json({ limit: "10mb" }));
  app.get("/readyz", (_request, response) => void response.end());
  app.post("/batch", (request, response, next) => {
    apply(request.body as WireBatch).then((results) => response.status(status).json({ results }), next);
  });
  const sayWhy: ErrorRequestHandler = (error, _request, response, _next) => {
    response.status(500).send(String(error));
  };
  app.use(sayWhy);
  app.listen(Number(process.env["PORT"]), "127.0.0.1");
}

/** As many connections as requests come at once. */
export function openPool(): pg.Pool {
  return new pg.Pool({
    connectionString: process.env["DATABASE_URL"],
    max: Number(process.env["CONNECTIONS"]),
  });
}
