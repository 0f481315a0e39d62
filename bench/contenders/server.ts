import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findFreePorts } from "../../stack/src/free-port.ts";
import { ManagedProcess } from "../../stack/src/managed-process.ts";
import type { Contender } from "../contender.ts";
import { LoadProcess } from "../load/load-process.ts";
import type { BatchApiOwn } from "../targets/batch-api.ts";
import type { TargetName } from "../targets/index.ts";
import { verifyApplied } from "../database/verify-applied.ts";
import { GROUND } from "../workload/documents.ts";

/** Existing and hand-written alternatives: each is a program below `servers/`, in a process of its own. */
export const ALTERNATIVES = {
  "(a) operation by operation": handler("(a) operation by operation", "by-operation/main.ts"),
  "(b) one request an operation": handler("(b) one request an operation", "by-operation/main.ts", {
    operations: 1,
  }),
  "(c) plpgsql loop": handler("(c) plpgsql loop", "plpgsql-loop/main.ts"),
  "(d) Parse Server": parseServer(),
  "(e) pg-boss": handler("(e) pg-boss", "pg-boss.ts"),
  "(e) Graphile Worker": handler("(e) Graphile Worker", "graphile-worker.ts"),
  "handler without a queue": handler("handler without a queue", "set-based.ts"),
} satisfies Record<string, Contender>;

/** Answers 202 and stores no operation. */
export const PARSE_ONLY: Contender = server("handler that only parses", "parse-only.ts", {
  target: "batch-api",
  own: { path: "/batch", status: 202 } satisfies BatchApiOwn,
  isVerified: false,
});

function handler(name: string, program: string, shape: { operations?: number } = {}): Contender {
  const own = { path: "/batch", status: 200 } satisfies BatchApiOwn;
  return server(name, program, { target: "batch-api", own, isVerified: true, ...shape });
}

function parseServer(): Contender {
  const own = { applicationId: "bench", restApiKey: randomUUID() };
  return server("(d) Parse Server", "parse-server.ts", {
    target: "parse",
    own,
    isVerified: false,
    env: { APPLICATION_ID: own.applicationId, REST_API_KEY: own.restApiKey, MASTER_KEY: randomUUID() },
  });
}

interface ServerOptions {
  readonly target: TargetName;
  readonly own: Record<string, unknown>;
  /** True if the server writes Syncline's tables, so that they can be counted. */
  readonly isVerified: boolean;
  readonly operations?: number;
  readonly env?: Record<string, string>;
}

function server(name: string, program: string, options: ServerOptions): Contender {
  return {
    name,
    async start(stores, caseShape) {
      const { target, own, isVerified, operations = caseShape.operations, env = {} } = options;
      const shape = { ...caseShape, operations };
      const url = await (isVerified ? stores.createSeededDatabase() : stores.createEmptyDatabase());
      const [port = 0] = await findFreePorts(1);
      mkdirSync(join(stores.home, "logs"), { recursive: true });
      const process_ = new ManagedProcess(stores.home, {
        name: `contender-${port}`,
        command: process.execPath,
        args: [...process.execArgv, fileURLToPath(new URL(`../servers/${program}`, import.meta.url))],
        env: {
          ...process.env,
          ...env,
          NODE_ENV: "production",
          PORT: String(port),
          DATABASE_URL: url,
          CONNECTIONS: String(shape.connections),
        },
        cwd: stores.home,
        stopSignals: ["SIGTERM", "SIGKILL"],
        whyNotReady: () => whyNotReady(port),
      });
      await process_.start();
      const load = await LoadProcess.start({
        target,
        url: `http://127.0.0.1:${port}`,
        own,
        shape,
        ground: GROUND,
        work: "mixed",
        seed: 1,
      });
      return {
        name,
        shape,
        load,
        processes: { load: [load.pid], server: [process_.pid ?? 0], postgres: [stores.postgresPid] },
        verify: async ({ operations: applied }) => {
          if (isVerified) await verifyApplied(url, { operations: applied, changes: applied });
        },
        async stop() {
          await load.stop();
          await process_.stop();
        },
      };
    },
  };
}

async function whyNotReady(port: number): Promise<string | undefined> {
  try {
    const { ok, status } = await fetch(`http://127.0.0.1:${port}/readyz`);
    return ok ? undefined : `GET /readyz was answered ${status}`;
  } catch {
    return "the server does not listen yet";
  }
}
