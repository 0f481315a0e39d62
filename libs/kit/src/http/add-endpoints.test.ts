import type { Role } from "@syncline/shared/protocol";
import express, { type ErrorRequestHandler, type RequestHandler } from "express";
import { expect, it, onTestFinished } from "vitest";
import { addEndpoints } from "./add-endpoints.ts";
import { listen } from "./listen.ts";
import { setIdentity } from "./request-context.ts";

const TABLE = {
  read: { method: "get", path: "/workspaces/:workspaceId/things", role: "reader" },
  change: { method: "post", path: "/workspaces/:workspaceId/things", role: "admin" },
  elsewhere: { method: "get", path: "/things", role: "admin" },
} as const;

/** Serves the table to a token with this role in the workspace `w`. Returns the steps of a request, or its problem. */
async function serve(role: Role) {
  const app = express();
  app.use((_request, response, next) => {
    setIdentity(response, { subject: "ann", roleByWorkspace: new Map([["w", role]]), expiresAtMs: Infinity });
    next();
  });
  let steps: string[] = [];
  const step =
    (name: string, ends: boolean): RequestHandler =>
    (_request, response, next) => {
      steps.push(name);
      if (ends) response.end();
      else next();
    };
  const handlers = {
    read: step("read", true),
    change: step("change", true),
    elsewhere: step("elsewhere", true),
  };
  addEndpoints(app, TABLE, handlers, (name) => [step(`check of ${name}`, false)]);
  const onError: ErrorRequestHandler = (error: { type: string }, _request, response, _next) => {
    steps.push(error.type);
    response.end();
  };
  app.use(onError);
  const server = await listen(app, { host: "127.0.0.1", port: 0 });
  onTestFinished(() => server.close());
  return async (method: string, path: string): Promise<string[]> => {
    steps = [];
    await (await fetch(`http://127.0.0.1:${server.port}${path}`, { method })).arrayBuffer();
    return steps;
  };
}

it("requires an endpoint's role in the workspace of its path before anything else", async () => {
  const ask = await serve("reader");
  expect(await ask("GET", "/workspaces/w/things")).toEqual(["check of read", "read"]);
  expect(await ask("POST", "/workspaces/w/things")).toEqual(["role-insufficient"]);
  expect(await ask("GET", "/workspaces/other/things")).toEqual(["workspace-forbidden"]);
});

it("leaves the role to the handler if the path names no workspace", async () => {
  const ask = await serve("reader");
  expect(await ask("GET", "/things")).toEqual(["check of elsewhere", "elsewhere"]);
});
