import type { IncomingMessage, ServerResponse } from "node:http";
import { Problem } from "@syncline/shared/protocol";
import { createCoalescer } from "../process/coalesce.ts";
import type { ReadinessCheck } from "../process/readiness-check.ts";
import { sendProblem } from "./send-problem.ts";

type Next = () => void;

const ALLOW = { allow: "GET, HEAD, OPTIONS" };

/**
 * Answers `GET /healthz` (the process is alive), `GET /readyz` (it can work: not stopping, stores reachable) and, if
 * `scrape` is given, `GET /metrics`. Passes every other request on. Used as middleware, and without `next` as the
 * listener of a server that serves only these routes.
 */
export function createHealthHandler(options: {
  isRunning: () => boolean;
  checkByName: Readonly<Record<string, ReadinessCheck>>;
  scrape?: (() => Promise<string>) | undefined;
}): (request: IncomingMessage, response: ServerResponse, next?: Next) => void {
  const { isRunning, checkByName, scrape } = options;
  // These routes are not rate limited, so concurrent requests share one run.
  const shareChecks = createCoalescer<Record<string, string>>();
  const shareScrape = createCoalescer<string>();

  async function runChecks(): Promise<Record<string, string>> {
    const checks = await Promise.all(
      Object.entries(checkByName).map(async ([name, check]) => {
        try {
          await check();
          return [name, "ok"] as const;
        } catch (error) {
          return [name, error instanceof Error ? error.message : "failed"] as const;
        }
      }),
    );
    return Object.fromEntries(checks);
  }

  async function answerReadiness(response: ServerResponse): Promise<void> {
    const checks = await shareChecks("checks", runChecks);
    const ready = isRunning() && Object.values(checks).every((state) => state === "ok");
    const status = !isRunning() ? "stopping" : ready ? "ready" : "not ready";
    answer(response, ready ? 200 : 503, { status, checks });
  }

  async function answerMetrics(response: ServerResponse, read: () => Promise<string>): Promise<void> {
    try {
      const text = await shareScrape("metrics", read);
      response.writeHead(200, {
        "content-type": "text/plain; version=0.0.4; charset=utf-8",
        "cache-control": "no-store",
      });
      response.end(text);
    } catch (error) {
      const reason = error instanceof Error ? error.message : "no reason given";
      answer(response, 503, { status: "the metrics cannot be read", reason });
    }
  }

  const answerByPath = new Map<string, (response: ServerResponse) => void>([
    ["/healthz", (response) => answer(response, 200, { status: "alive" })],
    ["/readyz", (response) => void answerReadiness(response)],
  ]);
  if (scrape !== undefined) answerByPath.set("/metrics", (response) => void answerMetrics(response, scrape));

  return (request, response, next) => {
    const path = request.url?.split("?")[0];
    const answerPath = path === undefined ? undefined : answerByPath.get(path);
    if (answerPath === undefined) {
      if (next === undefined) answer(response, 404, { status: "not found" });
      else next();
    } else if (request.method === "GET" || request.method === "HEAD") answerPath(response);
    else if (request.method === "OPTIONS") response.writeHead(204, ALLOW).end();
    else sendProblem(response, new Problem("method-not-allowed", ALLOW));
  };
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(`${JSON.stringify(body)}\n`);
}
