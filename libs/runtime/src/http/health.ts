import type { IncomingMessage, ServerResponse } from "node:http";
import { createCoalescer } from "../queues/coalesce.ts";

/** What must hold before a process is given work: each check throws, or answers why not. */
export type ReadinessCheck = () => Promise<void>;

type Next = () => void;

/**
 * Answers `GET /healthz` (the process is alive), `GET /readyz` (it can work: not stopping, stores reachable) and, where
 * they are to be read here, `GET /metrics`, and passes everything else on. A doorkeeper, and by itself
 * the listener of a server that has nothing else.
 */
export function createHealthHandler(options: {
  isRunning: () => boolean;
  checkByName: Readonly<Record<string, ReadinessCheck>>;
  scrape?: (() => Promise<string>) | undefined;
}): (request: IncomingMessage, response: ServerResponse, next?: Next) => void {
  const { isRunning, checkByName, scrape } = options;
  // Nobody is refused these, so however many ask, one at a time is run.
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

  return (request, response, next) => {
    const path = request.url?.split("?")[0];
    if (request.method === "GET" && path === "/healthz") answer(response, 200, { status: "alive" });
    else if (request.method === "GET" && path === "/readyz") void answerReadiness(response);
    else if (request.method === "GET" && path === "/metrics" && scrape) void answerMetrics(response, scrape);
    else if (next !== undefined) next();
    else answer(response, 404, { status: "not found" });
  };
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}
