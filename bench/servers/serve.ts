import express, { type ErrorRequestHandler } from "express";
import pg from "pg";
import type { WireBatch, WireResult } from "./wire.ts";

/** A typical Express handler: it parses the body, and answers once a batch is applied. Tokens are not checked. */
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

/** Opens a pool with as many connections as concurrent requests. */
export function openPool(): pg.Pool {
  return new pg.Pool({
    connectionString: process.env["DATABASE_URL"],
    max: Number(process.env["CONNECTIONS"]),
  });
}
