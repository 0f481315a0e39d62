import {
  CONFLICT_SERVICE_ENDPOINTS,
  ENDPOINTS,
  ROLES,
  type Endpoint,
  type EndpointName,
  type Role,
} from "@syncline/shared/protocol";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWTPayload } from "jose";
import { randomBytes, randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listRoutes, nameOf } from "../support/routes.ts";
import { createClient, eventually, startSystem, type System } from "../support/system.ts";

/** The ids and data in a workspace that the routes use. */
interface Place {
  workspaceId: string;
  batchId: string;
  /** Parked for a person. */
  conflictId: string;
}

/** A request that is answered 2xx with the endpoint's role. */
interface Use {
  path: (place: Place) => string;
  body?: (place: Place) => object;
  /** The status for a token of other workspaces, unless it is 403: such a route searches only the token's workspaces. */
  stranger?: 200 | 404;
}

const below = (rest: string) => (place: Place) => `/api/v1/workspaces/${place.workspaceId}${rest}`;
const conflictPath = (rest: string) => (place: Place) =>
  `/api/v1/workspaces/${place.workspaceId}/conflicts/${place.conflictId}${rest}`;

/** Endpoints that need no token. */
const OPEN = ["getRoot", "getOpenApi"] as const;

const ingestUses: Record<Exclude<EndpointName, (typeof OPEN)[number]>, Use> = {
  postBatch: {
    path: () => "/api/v1/documents/batch",
    body: ({ workspaceId }) => ({
      workspace_id: workspaceId,
      device_id: `device-${randomUUID()}`,
      operations: [{ operation: "create", client_id: randomUUID(), data: {} }],
    }),
  },
  getBatch: { path: ({ batchId }) => `/api/v1/batches/${batchId}`, stranger: 404 },
  getBatchEvents: { path: ({ batchId }) => `/api/v1/batches/${batchId}/events`, stranger: 404 },
  // Answers with the token's own workspaces, whatever they are.
  listWorkspaces: { path: () => "/api/v1/workspaces", stranger: 200 },
  listDocuments: { path: below("/documents/documents") },
  getDocument: { path: below("/documents/documents/doc") },
  getHistory: { path: below("/documents/documents/doc/history") },
  getChanges: { path: below("/changes") },
  getChangeEvents: { path: below("/changes/events") },
  getEvents: { path: ({ workspaceId }) => `/api/v1/events?workspaces=${workspaceId}` },
  getSnapshot: { path: below("/snapshot") },
  listOperations: { path: below("/operations?status=error") },
  getOperation: { path: below("/operations/failed?device_id=one") },
  replayOperation: { path: below("/operations/failed/replay?device_id=one"), body: () => ({}) },
  listConflicts: { path: below("/conflicts") },
  getConflict: { path: conflictPath("") },
  previewConflict: { path: conflictPath("/preview") },
  resolveConflict: { path: conflictPath("/resolve"), body: () => ({ choice: "local" }) },
};
const conflictUses: Record<keyof typeof CONFLICT_SERVICE_ENDPOINTS, Use> = {
  listConflicts: ingestUses.listConflicts,
  getConflict: ingestUses.getConflict,
  previewConflict: ingestUses.previewConflict,
  getDecision: { path: conflictPath("/decision?choice=local") },
};

/** An endpoint of a service, with its use. */
type Case = Use & { service: "ingest" | "conflict"; name: string; endpoint: Endpoint };

const casesOf = (
  service: Case["service"],
  table: Readonly<Record<string, Endpoint>>,
  uses: Readonly<Record<string, Use>>,
): Case[] =>
  Object.entries(uses).map(([name, use]) => {
    const endpoint = table[name];
    if (endpoint === undefined) throw new Error(`${name} is no endpoint`);
    return { ...use, service, name: `${service} ${name}`, endpoint };
  });

const cases = [
  ...casesOf("ingest", ENDPOINTS, ingestUses),
  ...casesOf("conflict", CONFLICT_SERVICE_ENDPOINTS, conflictUses),
];

it("every route is used here, and only those without a role need no token", () => {
  const used = cases.map(({ service, endpoint }) => nameOf({ service, ...endpoint }));
  const open = OPEN.map((name) => nameOf({ service: "ingest", ...ENDPOINTS[name] }));
  expect([...used, ...open].sort()).toEqual(listRoutes().map(nameOf).sort());
  const roleless = Object.entries<Endpoint>(ENDPOINTS).filter(([, { role }]) => role === undefined);
  expect(roleless.map(([name]) => name)).toEqual(OPEN);
});

const ISSUER = "https://id.example";
const AUDIENCE = "syncline";
const PROVIDER = { iss: ISSUER, aud: AUDIENCE };
const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const unsigned = (claims: object) => `${base64url({ alg: "none", typ: "JWT" })}.${base64url(claims)}.`;
const inOneHour = () => Math.floor(Date.now() / 1_000) + 3_600;

/** A way to check tokens, and the forgeries that must fail. */
interface Mode {
  env: Record<string, string>;
  sign: (claims: JWTPayload, expires?: string) => Promise<string>;
  forge: Record<string, (claims: JWTPayload) => Promise<string> | string>;
  close?: () => void;
}

async function bySecret(): Promise<Mode> {
  const secret = randomBytes(24).toString("hex");
  const signWith =
    (key: string, alg: string) =>
    (claims: JWTPayload, expires: string | number = "1 hour") =>
      new SignJWT(claims)
        .setProtectedHeader({ alg })
        .setExpirationTime(expires)
        .sign(new TextEncoder().encode(key));
  const stranger = await generateKeyPair("RS256");
  return {
    env: { JWT_SECRET: secret },
    sign: signWith(secret, "HS256"),
    forge: {
      "another key": (claims) => signWith(randomBytes(24).toString("hex"), "HS256")(claims),
      "an algorithm that is not configured": (claims) => signWith(secret, "HS384")(claims),
      "a key pair instead of the secret": (claims) =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: "RS256" })
          .setExpirationTime("1 hour")
          .sign(stranger.privateKey),
    },
  };
}

async function byKeys(): Promise<Mode> {
  const own = await generateKeyPair("RS256");
  const stranger = await generateKeyPair("RS256");
  const jwk = await exportJWK(own.publicKey);
  const jwks = JSON.stringify({ keys: [{ ...jwk, kid: "one", alg: "RS256", use: "sig" }] });
  const provider = await serve(jwks);
  const signWith =
    ({ privateKey }: typeof own, kid = "one") =>
    (claims: JWTPayload, expires = "1 hour") =>
      new SignJWT({ ...PROVIDER, ...claims })
        .setProtectedHeader({ alg: "RS256", kid })
        .setExpirationTime(expires)
        .sign(privateKey);
  const byPublicKey = (secret: string) => (claims: JWTPayload) =>
    new SignJWT({ ...PROVIDER, ...claims })
      .setProtectedHeader({ alg: "HS256", kid: "one" })
      .setExpirationTime("1 hour")
      .sign(new TextEncoder().encode(secret));
  return {
    env: {
      JWT_SECRET: "",
      JWT_JWKS_URL: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/jwks`,
      JWT_ISSUER: ISSUER,
      JWT_AUDIENCE: AUDIENCE,
    },
    sign: signWith(own),
    forge: {
      "another key": signWith(stranger),
      "an unknown key": signWith(stranger, "two"),
      "another audience": (claims) => signWith(own)({ ...claims, aud: "another application" }),
      "another issuer": (claims) => signWith(own)({ ...claims, iss: "https://elsewhere.example" }),
      "the public key as a secret": byPublicKey(await exportSPKI(own.publicKey)),
      "the public key's JWK as a secret": byPublicKey(JSON.stringify(jwk)),
    },
    close: () => provider.close(),
  };
}

async function serve(jwks: string): Promise<Server> {
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "application/json").end(jwks);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

describe.each<[string, () => Promise<Mode>]>([
  ["a secret", bySecret],
  ["an identity provider's keys", byKeys],
])("with tokens checked by %s", (_name, prepare) => {
  let mode: Mode;
  let system: System;
  let place: Place;
  let otherWorkspaceId: string;
  beforeAll(async () => {
    mode = await prepare();
    system = await startSystem({ env: mode.env });
    place = await makePlace(system, mode);
    otherWorkspaceId = (await makePlace(system, mode)).workspaceId;
  });
  afterAll(async () => {
    await system.stop();
    mode.close?.();
  });

  const claimsOf = (role: Role, workspaceId = place.workspaceId) => ({
    sub: "alice",
    workspaces: { [workspaceId]: role },
  });

  /** Returns the status and type of the answer; a stream is closed immediately. */
  async function ask(
    { service, endpoint, path, body }: Case,
    authorization: string | undefined,
  ): Promise<{ status: number; type: unknown }> {
    const { ingestUrl, conflictUrl } = system.syncline;
    const leaving = new AbortController();
    const response = await fetch((service === "ingest" ? ingestUrl : conflictUrl) + path(place), {
      method: endpoint.method,
      headers: {
        "content-type": "application/json",
        ...(authorization === undefined ? {} : { authorization }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body(place)) }),
      signal: leaving.signal,
    });
    const isProblem = response.headers.get("content-type")?.startsWith("application/problem+json") === true;
    const type = isProblem ? ((await response.json()) as { type: unknown }).type : undefined;
    leaving.abort();
    return { status: response.status, type };
  }

  /** Reads all data that a request could have changed. */
  async function look(): Promise<unknown> {
    const tables = ["workspaces", "operations", "batches", "conflicts", "decisions", "devices"];
    const counts = await Promise.all(
      tables.map(async (table) => (await system.pool.query(`SELECT count(*) FROM ${table}`)).rows),
    );
    const { rows } = await system.pool.query(
      "SELECT workspace_id, revision FROM workspaces ORDER BY workspace_id",
    );
    return [counts, rows, await system.entriesOnLanes()];
  }

  describe.each(cases)("$name", (on) => {
    const least = on.endpoint.role ?? "admin";
    const stranger =
      on.stranger === undefined
        ? { status: 403, type: "urn:syncline:problem:workspace-forbidden" }
        : { status: on.stranger, type: on.stranger === 404 ? "urn:syncline:problem:not-found" : undefined };
    const unauthorized = { status: 401, type: "urn:syncline:problem:unauthorized" };

    it("rejects tokens without the right, without any effect", async () => {
      const before = await look();
      const expired = await mode.sign(claimsOf("admin"), "1 minute ago");
      const [head, , signature] = (await mode.sign(claimsOf("reader"))).split(".");
      const claims = { ...PROVIDER, ...claimsOf("admin"), exp: inOneHour() };
      const tokens: Record<string, string | undefined> = {
        "no token": undefined,
        "an empty one": "Bearer ",
        "another scheme": `Basic ${Buffer.from("alice:secret").toString("base64")}`,
        "an expired one": `Bearer ${expired}`,
        "an unsigned one": `Bearer ${unsigned(claims)}`,
        "a modified one": `Bearer ${head}.${base64url(claims)}.${signature}`,
      };
      for (const [what, forge] of Object.entries(mode.forge)) {
        tokens[what] = `Bearer ${await forge(claimsOf("admin"))}`;
      }
      for (const [what, authorization] of Object.entries(tokens)) {
        expect([what, await ask(on, authorization)]).toEqual([what, unauthorized]);
      }

      const elsewhere = `Bearer ${await mode.sign(claimsOf("admin", otherWorkspaceId))}`;
      expect(await ask(on, elsewhere)).toEqual(stranger);
      const nowhere = `Bearer ${await mode.sign({ sub: "alice", workspaces: {} })}`;
      expect(await ask(on, nowhere)).toEqual(stranger);
      for (const role of ROLES.slice(0, ROLES.indexOf(least))) {
        // The token's rights in another workspace do not count here.
        const { sub, workspaces } = claimsOf(role);
        const token = await mode.sign({ sub, workspaces: { ...workspaces, [otherWorkspaceId]: "admin" } });
        const { status, type } = await ask(on, `Bearer ${token}`);
        expect([role, status, type]).toEqual([role, 403, "urn:syncline:problem:role-insufficient"]);
      }
      expect(await look()).toEqual(before);
    });

    it(`accepts a ${least}`, async () => {
      const answer = await ask(on, `Bearer ${await mode.sign(claimsOf(least))}`);
      expect(answer).toEqual({ status: 200, type: undefined });
    });
  });
});

/** Creates a workspace with a document, a failed operation, and a parked conflict. */
async function makePlace(system: System, mode: Mode): Promise<Place> {
  const workspaceId = randomUUID();
  const token = await mode.sign({ sub: "alice", workspaces: { [workspaceId]: "admin" } });
  const client = await createClient(system, { workspaceId, token });
  const put = (clientId: string, data: object, more: object = {}) => ({
    operation: "put",
    client_id: clientId,
    document_id: "doc",
    data,
    ...more,
  });
  const failed = { operation: "update", client_id: "failed", document_id: "never", data: {} };
  await client.post({ device_id: "one", operations: [put("c1", { n: 1 }), failed] });
  const { body } = await client.post({
    device_id: "one",
    operations: [put("c2", { n: 2 }, { expected_version: 1 })],
  });
  await client.post({
    device_id: "two",
    on_conflict: "manual",
    operations: [put("c3", { n: 3 }, { expected_version: 1 })],
  });
  const conflictId = await eventually(async () => {
    const { conflicts } = (
      await client.get<{ conflicts: { conflict_id: string }[] }>("/conflicts?status=parked")
    ).body;
    expect(conflicts).toHaveLength(1);
    return conflicts[0]?.conflict_id ?? "";
  });
  return { workspaceId, batchId: body.batch_id, conflictId };
}
