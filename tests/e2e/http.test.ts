import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { holdWorkspace } from "../support/hold-workspace.ts";
import {
  borrowSystem,
  createClient,
  eventually,
  startSystem,
  type Client,
  type System,
} from "../support/system.ts";

const APP = "https://app.example.com";
const put = (data: object) => ({ operation: "put", client_id: randomUUID(), document_id: "doc", data });

interface AuditLine {
  msg: string;
  [field: string]: unknown;
}

/** The audit line of a request: it is written concurrently with the answer. */
async function trailOf(system: System, requestId: string): Promise<AuditLine> {
  return eventually(async () => {
    const lines = system.syncline
      .logs()
      .split("\n")
      .filter((line) => line.includes('"audit":true') && line.includes(requestId));
    expect(lines).toHaveLength(1);
    return JSON.parse(lines[0] ?? "") as AuditLine;
  });
}

describe("an ingest behind a proxy, for one web site", () => {
  let system: System;
  let client: Client;
  beforeAll(async () => {
    system = await startSystem({
      env: {
        CORS_ORIGINS: `${APP}, http://localhost:*, http://[::1]:*`,
        TRUST_PROXY: "1",
        LOG_LEVEL: "error",
      },
    });
    client = await createClient(system);
  });
  afterAll(() => system.stop());

  const ask = (method: string, headers: Record<string, string>) =>
    fetch(`${system.syncline.ingestUrl}/api/v1/documents/batch`, { method, headers });

  it("lets the pages of that site call it, and read the needed headers", async () => {
    const preflight = await ask("OPTIONS", {
      origin: APP,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type,prefer",
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe(APP);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("Authorization");
    expect(preflight.headers.get("access-control-allow-credentials")).toBeNull();
    const answer = await client.post({ operations: [put({})] }, { origin: APP });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("access-control-allow-origin")).toBe(APP);
    const exposed = answer.headers.get("access-control-expose-headers")?.toLowerCase().split(",");
    expect(exposed).toEqual(
      expect.arrayContaining([
        "date",
        "etag",
        "location",
        "preference-applied",
        "ratelimit",
        "ratelimit-policy",
        "retry-after",
        "x-request-id",
      ]),
    );
    expect(answer.headers.get("vary")).toContain("Origin");
    // Problems can be read, too.
    expect((await ask("POST", { origin: APP })).headers.get("access-control-allow-origin")).toBe(APP);
  });

  it("allows nothing to the pages of another", async () => {
    const others = [
      "https://evil.example.com",
      `${APP}.evil.example`,
      "http://localhost.evil.example:5173",
      "http://evil.example/localhost:1",
      "https://localhost:5173",
      "null",
    ];
    for (const origin of others) {
      const answer = await ask("OPTIONS", { origin, "access-control-request-method": "POST" });
      expect([origin, answer.headers.get("access-control-allow-origin")]).toEqual([origin, null]);
    }
  });

  it.each(["http://localhost:5173", "http://localhost:8080", "http://localhost", "http://[::1]:5173"])(
    "allows %s by an origin with any port",
    async (origin) => {
      const answer = await ask("OPTIONS", { origin, "access-control-request-method": "POST" });
      expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
    },
  );

  it("answers an unparsable address with a problem, like any other unknown one", async () => {
    const { hostname, port } = new URL(system.syncline.ingestUrl);
    const answer = await new Promise<string>((resolve, reject) => {
      let received = "";
      const socket = connect(Number(port), hostname, () => {
        socket.write("GET http://[::1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      });
      socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
      socket.once("error", reject).once("close", () => resolve(received));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(answer).toMatch(/^content-type: application\/problem\+json/im);
    expect(answer).toContain("urn:syncline:problem:not-found");
  });

  it("records the author, time and address of a change, whatever the log's level, and none of the content", async () => {
    const requestId = randomUUID();
    const headers = { "x-request-id": requestId, "x-forwarded-for": "203.0.113.9, 198.51.100.7" };
    await client.post({ device_id: "phone", operations: [put({ secret: "the content" })] }, headers);
    const line = await trailOf(system, requestId);
    expect(line).toMatchObject({
      msg: "batch accepted",
      level: "info",
      time: expect.stringMatching(/^\d{4}-/) as string,
      subject: "alice",
      // The address seen by the nearest proxy; any client can forge the part before it.
      from: "198.51.100.7",
      workspaceId: client.workspaceId,
      deviceId: "phone",
      operations: 1,
    });
    expect(system.syncline.logs()).not.toContain("the content");
    const { rows } = await system.pool.query(
      "SELECT subject, accepted_at FROM operations WHERE request_id = $1",
      [requestId],
    );
    expect(rows).toMatchObject([{ subject: "alice" }]);
  });

  it("records it at its acceptance, whatever its outcome", async () => {
    const requestId = randomUUID();
    const release = await holdWorkspace(system, client.workspaceId);
    const answer = client.post({ operations: [put({ n: 1 })] }, { "x-request-id": requestId });
    try {
      expect(await trailOf(system, requestId)).toMatchObject({ msg: "batch accepted", operations: 1 });
    } finally {
      await release();
    }
    expect((await answer).status).toBe(200);
  });

  it("records refused requests", async () => {
    const [unknown, reader] = [randomUUID(), randomUUID()];
    await client.postRaw("{}", { authorization: "Bearer nonsense", "x-request-id": unknown });
    expect(await trailOf(system, unknown)).toMatchObject({
      msg: "request refused",
      method: "POST",
      reason: "The token is not valid",
    });
    const token = await system.syncline.token({ [client.workspaceId]: "reader" }, { subject: "bob" });
    const body = JSON.stringify({ workspace_id: client.workspaceId, operations: [put({})] });
    await client.postRaw(body, { authorization: `Bearer ${token}`, "x-request-id": reader });
    expect(await trailOf(system, reader)).toMatchObject({ msg: "request refused", subject: "bob" });
  });
});

describe("an ingest with the default configuration", () => {
  let system: System;
  let client: Client;
  beforeAll(async () => {
    system = await borrowSystem();
    client = await createClient(system);
  });
  afterAll(() => system.stop());

  it("trusts no forwarded address, and allows no page of another site", async () => {
    const requestId = randomUUID();
    const headers = { "x-request-id": requestId, "x-forwarded-for": "203.0.113.9", origin: APP };
    const answer = await client.post({ operations: [put({})] }, headers);
    expect((await trailOf(system, requestId))["from"]).toMatch(/127\.0\.0\.1$/);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("answers a preflight without a token, and without a header that allows anything", async () => {
    for (const path of ["/api/v1/documents/batch", "/api/v1/nowhere"]) {
      const preflight = await fetch(system.syncline.ingestUrl + path, {
        method: "OPTIONS",
        headers: {
          origin: APP,
          "access-control-request-method": "POST",
          "access-control-request-headers": "authorization",
        },
      });
      expect(preflight.status).toBe(204);
      const allowing = [...preflight.headers.keys()].filter((name) => name.startsWith("access-control-"));
      expect(allowing).toEqual([]);
    }
  });

  it.each([
    ["/", "GET, HEAD, OPTIONS"],
    ["/openapi.json", "GET, HEAD, OPTIONS"],
    ["/healthz", "GET, HEAD, OPTIONS"],
    ["/api/v1/documents/batch", "POST, OPTIONS"],
    ["/api/v1/workspaces/w/documents/c/d", "GET, HEAD, OPTIONS"],
    ["/api/v1/workspaces/w/changes/events", "GET, HEAD, OPTIONS"],
    ["/api/v1/workspaces/w/conflicts/c/resolve", "POST, OPTIONS"],
  ])("lists the methods of %s, with a token and without", async (path, allow) => {
    const asks = (method: string, headers: Record<string, string> = {}) =>
      fetch(system.syncline.ingestUrl + path, { method, headers });
    const authorization = `Bearer ${await system.syncline.token({ w: "admin" })}`;
    const wrong = allow.includes("GET")
      ? ["POST", "PUT", "PATCH", "DELETE"]
      : ["GET", "HEAD", "PUT", "DELETE"];
    for (const method of wrong) {
      for (const headers of [{}, { authorization }]) {
        const answer = await asks(method, headers);
        expect([method, answer.status, answer.headers.get("allow")]).toEqual([method, 405, allow]);
        if (method === "HEAD") continue;
        const { type } = (await answer.json()) as { type: string };
        expect(type).toBe("urn:syncline:problem:method-not-allowed");
      }
    }
    const options = await asks("OPTIONS");
    expect([options.status, options.headers.get("allow")]).toEqual([204, allow]);
  });

  it("answers HEAD as GET without the body, and opens no stream for it", async () => {
    await client.post({ operations: [put({})] });
    const { body } = await client.post({ operations: [put({ n: 2 })] });
    const workspace = `/api/v1/workspaces/${client.workspaceId}`;
    const open = ["/", "/openapi.json", "/healthz", "/readyz", "/metrics"];
    const ofBatch = ["", "/events"].map((rest) => `/api/v1/batches/${body.batch_id}${rest}`);
    const ofDocument = ["", "/history"].map((rest) => `${workspace}/documents/documents/doc${rest}`);
    const below = ["/changes", "/changes/events", "/snapshot", "/operations?status=error", "/conflicts"];
    const paths = [...open, ...ofBatch, ...ofDocument, ...below.map((rest) => workspace + rest)];
    const authorization = `Bearer ${await system.syncline.token({ [client.workspaceId]: "reader" })}`;
    for (const path of paths) {
      const head = await fetch(system.syncline.ingestUrl + path, {
        method: "HEAD",
        headers: { authorization },
      });
      expect([path, head.status, await head.text()]).toEqual([path, 200, ""]);
      expect(head.headers.get("content-type")).not.toBeNull();
    }
  });

  it("lists its entry points at its root, each of which exists", async () => {
    const { ingestUrl } = system.syncline;
    const root = (await (await fetch(ingestUrl)).json()) as Record<string, string>;
    for (const link of ["openapi", "health", "readiness"]) {
      expect((await fetch(ingestUrl + root[link])).status).toBe(200);
    }
  });

  it("ends every body with a newline", async () => {
    const { ingestUrl } = system.syncline;
    const authorization = `Bearer ${await system.syncline.token({ [client.workspaceId]: "admin" })}`;
    const workspace = `/api/v1/workspaces/${client.workspaceId}`;
    const below = ["/changes", "/snapshot", "/conflicts", "/conflicts/none"].map((rest) => workspace + rest);
    const open = ["/", "/openapi.json", "/healthz", "/readyz", "/metrics", "/nowhere"];
    for (const path of [...open, "/api/v1/batches/none", ...below]) {
      const text = await (await fetch(ingestUrl + path, { headers: { authorization } })).text();
      expect([path, text.at(-1)]).toEqual([path, "\n"]);
    }
    const refused = await (await fetch(`${ingestUrl}/api/v1/batches/none`)).text();
    expect(refused.at(-1)).toBe("\n");
  });

  it("sends secure headers, including the cache policy", async () => {
    const batch = await client.post({ operations: [put({})] });
    const document = await client.get("/documents/documents/doc");
    for (const { headers } of [batch, document]) {
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("strict-transport-security")).toContain("max-age=");
      expect(headers.get("content-security-policy")).toBe("default-src 'none';frame-ancestors 'none'");
      expect(headers.get("x-powered-by")).toBeNull();
    }
    expect(batch.headers.get("cache-control")).toBe("no-store");
    expect(document.headers.get("cache-control")).toBe("private, no-cache");
    expect((await client.get("/documents/documents/doc", { "if-none-match": '"1"' })).status).not.toBe(500);
    expect((await client.get("/changes")).headers.get("cache-control")).toBe("no-store");
  });

  it("takes a request's id from the client if it is valid, and otherwise makes one", async () => {
    const named = await client.get("/changes", { "x-request-id": "my-request/1" });
    expect(named.headers.get("x-request-id")).toBe("my-request/1");
    for (const bad of ["two words", "x".repeat(201), "é"]) {
      const other = await client.get("/changes", { "x-request-id": bad });
      expect(other.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

it("refuses to start with an invalid origin", async () => {
  const start = startSystem({ env: { CORS_ORIGINS: "https://app.example.com/path" } });
  await expect(start).rejects.toThrow("CORS_ORIGINS is not");
});
