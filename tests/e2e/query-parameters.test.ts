import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listRoutes, nameOf, type Route } from "../support/routes.ts";
import { borrowSystem, type System } from "../support/system.ts";
import type { ApiDocument } from "../fuzz/requests.ts";

/** Numbers not in plain digits, and other values. */
const ODD_NUMBERS = [
  "",
  "%20",
  "%201",
  "1%20",
  "%2B1",
  "+1",
  "-1",
  "-0",
  "01",
  "1.0",
  "1.",
  ".5",
  "1e2",
  "0x10",
  "0b1",
  "1_0",
  "1,0",
  "1n",
  "NaN",
  "Infinity",
  "null",
  "%D9%A1",
  "9007199254740993",
  "1%00",
  "1;limit=2",
];

const workspaceId = randomUUID();
let system: System;
let headers: Record<string, string>;
beforeAll(async () => {
  system = await borrowSystem();
  const token = await system.syncline.token({ [workspaceId]: "admin" });
  headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
});
afterAll(() => system.stop());

/** Calls a route with ids that do not exist: its parameters are checked first. */
async function ask({ service, method, path }: Route, query: string): Promise<unknown[]> {
  const filled = path
    .replace(":workspaceId", workspaceId)
    .replace(/:(batchId|conflictId)/, randomUUID())
    .replace(/:\w+/g, "one");
  const base = service === "ingest" ? system.syncline.ingestUrl : system.syncline.conflictUrl;
  const answer = await fetch(`${base}${filled}?${query}`, {
    method: method.toUpperCase(),
    headers,
    ...(method === "post" && { body: "{}" }),
    signal: AbortSignal.timeout(30_000),
  });
  const body: unknown = answer.status === 422 ? await answer.json() : await answer.body?.cancel();
  return [answer.status, (body as { field?: string } | undefined)?.field];
}

describe.each(listRoutes().map((route) => [nameOf(route), route] as const))("%s", (_name, route) => {
  it.each([
    ["surprise=1", "/surprise"],
    ["surprise", "/surprise"],
    ["surprise[]=1", "/surprise[]"],
    ["__proto__=1", "/__proto__"],
    ["surprise=%FF", "/surprise"],
  ])("refuses %s", async (query, field) => {
    expect(await ask(route, query)).toEqual([422, field]);
  });
});

it("refuses every number that is not in plain digits, and every repeated parameter, as documented", async () => {
  const answer = await fetch(`${system.syncline.ingestUrl}/openapi.json`);
  const { paths } = (await answer.json()) as ApiDocument;
  let numbers = 0;
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { parameters = [] }] of Object.entries(operations)) {
      const route: Route = { service: "ingest", method, path: path.replace(/\{(\w+)\}/g, ":$1") };
      const inQuery = parameters.filter((parameter) => parameter.in === "query");
      for (const { name, schema } of inQuery) {
        const refused = [422, `/${name}`];
        const others = inQuery.filter((other) => other.required === true && other.name !== name);
        const needed = others.map((other) => `${other.name}=${String(other.schema.enum?.[0])}&`).join("");
        const twice = `${needed}${name}=1&${name}=1`;
        expect([path, twice, await ask(route, twice)]).toEqual([path, twice, refused]);
        if (schema.type !== "integer") continue;
        numbers += 1;
        for (const odd of ODD_NUMBERS) {
          const query = `${needed}${name}=${odd}`;
          expect([path, query, await ask(route, query)]).toEqual([path, query, refused]);
        }
        for (const least of [`${needed}${name}[]=1`, `${needed}${name}[0]=1`]) {
          expect([path, least, (await ask(route, least))[0]]).toEqual([path, least, 422]);
        }
      }
    }
  }
  expect(numbers).toBeGreaterThanOrEqual(9);
});
