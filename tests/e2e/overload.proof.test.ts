import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { request } from "node:http";
import { setTimeout } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { connectRedis, createLaneStreams, createShards, keysOf } from "@syncline/lanes";
import { migrate, openPool } from "@syncline/store";
import { BATCH_BYTES_MAX, laneOf } from "@syncline/shared/protocol";
import {
  startLocalStores,
  startSyncline,
  testedPrograms,
  type LocalStores,
  type RunningSyncline,
} from "@syncline/stack";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createClient, eventually, LANE_COUNT, type Answer, type Client } from "../support/system.ts";

const keys = keysOf("{syncline}");

let stores: LocalStores;
let pool: ReturnType<typeof openPool>;
let redis: ReturnType<typeof connectRedis>;
beforeAll(async () => {
  stores = await startLocalStores();
  await migrate({ databaseUrl: stores.databaseServerUrl });
  const quiet = () => undefined; // one of them is killed here
  pool = openPool({
    databaseUrl: stores.databaseServerUrl,
    connectionsMax: 1,
    applicationName: "test",
    onError: quiet,
  });
  redis = connectRedis(stores.redisUrl, quiet);
});
afterAll(async () => {
  redis.disconnect();
  await pool.end();
  await stores.stop();
});

let syncline: RunningSyncline;
/** Starts the services once for the tests of a block. Each test finds all workers running. */
function startForAll(env: Record<string, string>, { workers = 1 } = {}): void {
  beforeAll(async () => {
    syncline = await startSyncline({
      databaseUrl: stores.databaseServerUrl,
      redisUrl: stores.redisUrl,
      home: stores.home,
      programs: testedPrograms(),
      workers,
      env,
    });
  });
  beforeEach(async () => {
    const gone = syncline.workers.filter(({ pid }) => pid === undefined);
    await Promise.all(gone.map((worker) => worker.start()));
  });
  afterAll(() => syncline.stop());
}
const killWorkers = () => Promise.all(syncline.workers.map((worker) => worker.kill()));
const startWorkers = () => Promise.all(syncline.workers.map((worker) => worker.start()));

const ASYNC = { prefer: "respond-async" };
/** A batch that can be resent as it is. */
const batchOf = (operations: number, device = "device") => ({
  device_id: device,
  operations: Array.from({ length: operations }, () => {
    const id = randomUUID();
    return { operation: "put", client_id: id, document_id: id, data: { n: 1 } };
  }),
});
type Batch = ReturnType<typeof batchOf>;

/** Clients of workspaces that share a lane. */
async function neighbours(count: number): Promise<[Client, ...Client[]]> {
  const first = await createClient({ syncline });
  const clients: [Client, ...Client[]] = [first];
  while (clients.length < count) {
    const workspaceId = randomUUID();
    if (laneOf(workspaceId, LANE_COUNT) !== laneOf(first.workspaceId, LANE_COUNT)) continue;
    clients.push(await createClient({ syncline }, { workspaceId }));
  }
  return clients;
}

const problemOf = ({ status, headers, body }: Answer<unknown>) => ({
  status,
  type: (body as { type?: string }).type?.replace("urn:syncline:problem:", ""),
  comesAgain: /^[1-9]\d*$/.test(headers.get("retry-after") ?? ""),
});
const TOO_MANY_WAITING = { status: 429, type: "too-many-waiting", comesAgain: true };
const OVERLOADED = { status: 503, type: "overloaded", comesAgain: true };

async function appliedOf({ workspaceId }: Client): Promise<Set<string>> {
  const { rows } = await pool.query<{ client_id: string }>(
    "SELECT client_id FROM operations WHERE workspace_id = $1 AND status = 'success'",
    [workspaceId],
  );
  return new Set(rows.map((row) => row.client_id));
}
const idsIn = (batches: readonly Batch[]) =>
  new Set(batches.flatMap(({ operations }) => operations.map((operation) => operation.client_id)));

async function requireNothingWaits(): Promise<void> {
  for (let lane = 0; lane < LANE_COUNT; lane++) {
    expect(await redis.xlen(keys.laneStream(lane))).toBe(0);
    expect(await redis.hgetall(keys.laneWaiting(lane))).toEqual({});
  }
}
async function requireHealthy(): Promise<void> {
  for (const path of ["/healthz", "/readyz"])
    expect((await fetch(syncline.ingestUrl + path)).status, path).toBe(200);
}

interface Named extends Client {
  token: string;
}

async function clientsOf(...subjects: string[]): Promise<[Named, Named, ...Named[]]> {
  const clients = subjects.map(async (subject) => {
    const workspaceId = randomUUID();
    const token = await syncline.token({ [workspaceId]: "admin" }, { subject });
    return { ...(await createClient({ syncline }, { workspaceId, token })), token };
  });
  return (await Promise.all(clients)) as [Named, Named, ...Named[]];
}

/** Announces a body of 10 MiB, and sends one byte of it. */
async function holdBody({ token }: Named, address?: string): Promise<Socket> {
  const { hostname, port } = new URL(syncline.ingestUrl);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  const forwarded = address === undefined ? "" : `X-Forwarded-For: ${address}\r\n`;
  socket.write(
    `POST /api/v1/documents/batch HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n${forwarded}Content-Type: application/json\r\nContent-Length: ${BATCH_BYTES_MAX}\r\n\r\n{`,
  );
  return socket;
}

describe("the backlog is bounded", () => {
  const bounds = {
    WORKSPACE_WAITING_OPERATIONS_MAX: "100",
    LANE_WAITING_OPERATIONS_MAX: "200",
    LANE_WAITING_BYTES_MAX: String(10 * 1024 * 1024),
  };
  startForAll(bounds, { workers: 2 });

  it("per workspace and per lane; refused batches are not applied, accepted ones are", async () => {
    await killWorkers();
    const [greedy, other, third] = await neighbours(3);
    if (other === undefined || third === undefined) throw new Error("clients are missing");
    const [accepted, refused, ofOther, ofThird] = [batchOf(100), batchOf(1), batchOf(100), batchOf(1)];
    expect((await greedy.post(accepted, ASYNC)).status).toBe(202);
    expect(problemOf(await greedy.post(refused, ASYNC))).toEqual(TOO_MANY_WAITING);
    expect((await other.post(ofOther, ASYNC)).status).toBe(202);
    expect(problemOf(await third.post(ofThird, ASYNC))).toEqual(OVERLOADED);
    // A resend of a waiting batch is refused too, without any loss.
    expect(problemOf(await greedy.post(accepted))).toEqual(TOO_MANY_WAITING);
    await requireHealthy();

    await startWorkers();
    await eventually(requireNothingWaits);
    expect(await appliedOf(greedy)).toEqual(idsIn([accepted]));
    expect(await appliedOf(other)).toEqual(idsIn([ofOther]));
    expect(await appliedOf(third)).toEqual(new Set());
    const again = await greedy.post(accepted);
    expect(again.status).toBe(200);
    expect(again.body.results.every(({ replayed }) => replayed)).toBe(true);
    expect((await third.post(ofThird)).status).toBe(200);
  });

  it("in bytes, too", async () => {
    await killWorkers();
    const client = await createClient({ syncline });
    const large = () => {
      const batch = batchOf(1);
      return {
        ...batch,
        operations: batch.operations.map((each) => ({ ...each, data: { text: "x".repeat(4_000_000) } })),
      };
    };
    expect((await client.post(large(), ASYNC)).status).toBe(202);
    expect((await client.post(large(), ASYNC)).status).toBe(202);
    expect(problemOf(await client.post(large(), ASYNC))).toEqual(OVERLOADED);
    await startWorkers();
    await eventually(requireNothingWaits);
    expect((await client.post(large())).status).toBe(200);
  });

  it("and its count stays right when Redis and workers are killed during drains", async () => {
    const clients = await Promise.all(Array.from({ length: 8 }, () => createClient({ syncline })));
    const acceptedOf = new Map<Client, Batch[]>(clients.map((client) => [client, []]));
    const sendSome = (rounds: number) =>
      Promise.all(
        clients.map(async (client) => {
          for (let n = 0; n < rounds; n++) {
            const batch = batchOf(20);
            const answer = await client.post(batch, ASYNC);
            if (answer.status === 202) acceptedOf.get(client)?.push(batch);
            else expect([429, 503]).toContain(answer.status);
          }
        }),
      );
    for (const worker of syncline.workers) {
      const sending = sendSome(8);
      await worker.kill();
      await worker.start();
      await sending;
    }
    await killWorkers();
    await sendSome(2);
    const waiting = () =>
      Promise.all(Array.from({ length: LANE_COUNT }, (_, lane) => redis.hgetall(keys.laneWaiting(lane))));
    const before = await waiting();
    expect(before.some((counts) => Number(counts["operations"]) > 0)).toBe(true);
    await stores.redis.kill();
    await stores.redis.start();
    await eventually(async () => expect(await waiting()).toEqual(before));

    await startWorkers();
    await eventually(requireNothingWaits);
    for (const [client, batches] of acceptedOf) expect(await appliedOf(client)).toEqual(idsIn(batches));
  });
});

describe("without configuration", () => {
  startForAll({});

  it("the memory of Redis bounds the backlog: ingest accepts no batch while enough memory is left to drain it", async () => {
    await killWorkers();
    const client = await createClient({ syncline });
    const accepted = batchOf(100);
    expect((await client.post(accepted, ASYNC)).status).toBe(202);
    const used = Number(/^used_memory:(\d+)/m.exec(await redis.info("memory"))?.[1]);
    await redis.config("SET", "maxmemory", String(Math.round(used / 0.92)));
    try {
      await eventually(async () =>
        expect(problemOf(await client.post(batchOf(1), ASYNC))).toEqual(OVERLOADED),
      );
      await requireHealthy();
      await startWorkers();
      await eventually(requireNothingWaits);
      expect(await appliedOf(client)).toContain(accepted.operations[0]?.client_id);
    } finally {
      await redis.config("SET", "maxmemory", "0");
    }
    await eventually(async () => expect((await client.post(batchOf(1))).status).toBe(200));
  });

  it("if memory has run out all the same, nothing is accepted, and commits continue", async () => {
    await killWorkers();
    const client = await createClient({ syncline });
    const accepted = batchOf(10);
    expect((await client.post(accepted, ASYNC)).status).toBe(202);
    const lanes = createLaneStreams(createShards([redis]));
    const lane = laneOf(client.workspaceId, LANE_COUNT);
    await redis.xadd(keys.laneStream(lane), "*", "operations", 1, "entry", "{not json");
    await redis.config("SET", "maxmemory", "1mb");
    try {
      const answer = await client.post(batchOf(1), ASYNC);
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
      const { entries, deadLetterIds } = await lanes.readWindow({ lane }, 100);
      expect([entries.length, deadLetterIds.length]).toEqual([1, 1]);
      // Like a drain after its commit: the operations are sent again below.
      expect(await lanes.removeEntries({ lane }, entries)).toBe(0);
    } finally {
      await redis.config("SET", "maxmemory", "0");
    }
    await requireNothingWaits();
    await startWorkers();
    expect((await client.post(accepted)).status).toBe(200);
  });

  it("rates are not limited by default", async () => {
    const client = await createClient({ syncline });
    const answer = await client.post(batchOf(100));
    expect(answer.status).toBe(200);
    expect([...answer.headers.keys()].filter((name) => name.startsWith("ratelimit"))).toEqual([]);
    expect(await redis.keys("*:rate:*")).toEqual([]);
  });

  it("a token without write access is refused before its body is read", async () => {
    const [reader] = await clientsOf("reader");
    const token = await syncline.token({ [reader.workspaceId]: "reader" });
    const socket = await holdBody({ ...reader, token });
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 403 /);
    socket.destroy();
  });
});

/** One client may use the whole capacity. */
const UNSHARED = { SUBJECT_SHARE_PERCENT: "100", ADDRESS_SHARE_PERCENT: "100" };

describe("requests in flight are bounded", () => {
  startForAll({ REQUESTS_MAX: "3", REQUEST_BYTES_MAX: String(2 * BATCH_BYTES_MAX), ...UNSHARED });

  it("and further ones are refused before their body is read; health and open streams do not count", async () => {
    const client = await createClient({ syncline });
    const token = await syncline.token({ [client.workspaceId]: "writer" });
    const abort = new AbortController();
    // Keeps the answers: `fetch` ends the stream of a garbage-collected one.
    const streams: Response[] = [];
    for (let n = 0; n < 5; n++) {
      // One after the other: until it has a stream's slot, it counts as a request.
      const stream = await fetch(
        `${syncline.ingestUrl}/api/v1/workspaces/${client.workspaceId}/changes/events`,
        { headers: { authorization: `Bearer ${token}` }, signal: abort.signal },
      );
      expect(stream.status).toBe(200);
      streams.push(stream);
    }

    await killWorkers();
    const batches = [batchOf(1), batchOf(1), batchOf(1)];
    const waiting = batches.map((batch) => client.post(batch));
    await eventually(async () => {
      expect(await redis.xlen(keys.laneStream(laneOf(client.workspaceId, LANE_COUNT)))).toBe(3);
    });
    expect(await postWithoutBody()).toEqual({ status: 503, retryAfter: "1" });
    expect(problemOf(await client.get("/changes?since=0"))).toEqual(OVERLOADED);
    await requireHealthy();
    const metrics = await (await fetch(`${syncline.ingestUrl}/metrics`)).text();
    expect(metrics).toMatch(
      /http_server_request_duration_seconds_count\{[^}]*http_response_status_code="503"[^}]*\} 1\n/,
    );
    // The missing route distinguishes them from requests refused later, as a runbook explains.
    expect(metrics).not.toMatch(/_count\{(?=[^}]*"503")[^}]*http_route/);

    await startWorkers();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await client.post(batchOf(1))).status).toBe(200);
    abort.abort();
  });

  it("and so are their bytes, also decompressed ones; a single request may have any size", async () => {
    const client = await createClient({ syncline });
    await killWorkers();
    const large = (): Batch => {
      const batch = batchOf(10);
      const operations = batch.operations.map((one) => ({
        ...one,
        data: { n: 1, text: "x".repeat(600_000) },
      }));
      return { ...batch, operations };
    };
    const first = client.post(large());
    const laneLength = () => redis.xlen(keys.laneStream(laneOf(client.workspaceId, LANE_COUNT)));
    await eventually(async () => expect(await laneLength()).toBe(1));
    expect(problemOf(await client.post(large()))).toEqual(OVERLOADED);
    const compressed = gzipSync(JSON.stringify({ workspace_id: client.workspaceId, ...large() }));
    expect(compressed.length).toBeLessThan(BATCH_BYTES_MAX / 100);
    const token = await syncline.token({ [client.workspaceId]: "writer" });
    const refused = await fetch(`${syncline.ingestUrl}/api/v1/documents/batch`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "content-encoding": "gzip",
      },
      body: compressed,
    });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    const small = client.post(batchOf(1));
    await eventually(async () => expect(await laneLength()).toBe(2));

    await startWorkers();
    expect((await Promise.all([first, small])).map(({ status }) => status)).toEqual([200, 200]);
    expect((await client.post(large())).status).toBe(200);
  });

  /** Sends the head of a request, and never its body. */
  function postWithoutBody(): Promise<{ status: number | undefined; retryAfter: string | undefined }> {
    return new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": "100" };
      const sending = request(
        `${syncline.ingestUrl}/api/v1/documents/batch`,
        { method: "POST", headers },
        (response) => {
          resolve({ status: response.statusCode, retryAfter: response.headers["retry-after"] });
          sending.destroy();
        },
      );
      sending.once("error", reject);
      sending.flushHeaders();
    });
  }
});

describe("no client gets the whole capacity", () => {
  startForAll({ REQUESTS_MAX: "8", EVENT_STREAMS_MAX: "10", TRUST_PROXY: "1" });
  const SHARE_EXCEEDED = { status: 429, type: "share-exceeded", comesAgain: true };

  it("of the requests: a subject's bodies that do not come leave room for others", async () => {
    const [greedy, other] = await clientsOf("greedy", "other");
    const held: Socket[] = [];
    await eventually(async () => {
      held.push(...(await Promise.all(Array.from({ length: 8 }, () => holdBody(greedy)))));
      expect(problemOf(await greedy.get("/changes"))).toEqual(SHARE_EXCEEDED);
    });
    for (let n = 0; n < 20; n++) expect((await other.post(batchOf(1))).status).toBe(200);
    await requireHealthy();
    for (const socket of held) socket.destroy();
    await eventually(async () => expect((await greedy.get("/changes")).status).toBe(200));
    const metrics = await (await fetch(`${syncline.ingestUrl}/metrics`)).text();
    expect(metrics).toMatch(/syncline_http_problems_total\{[^}]*="share-exceeded"[^}]*\} [1-9]/);
    expect(metrics).toMatch(/syncline_http_problems_total\{[^}]*="overloaded"[^}]*\} 0/);
  });

  it("of the requests: not even all subjects of an address together", async () => {
    const [client, ...others] = await clientsOf("fresh", "a", "b", "c", "d", "e", "f", "g", "h");
    const held: Socket[] = [];
    const from = (address: string) => ({ "x-forwarded-for": address });
    await eventually(async () => {
      // Retries while the slots of abandoned bodies are not free yet.
      held.push(...(await Promise.all(others.map((other) => holdBody(other, "192.0.2.1")))));
      expect(problemOf(await client.get("/changes", from("192.0.2.1")))).toEqual(SHARE_EXCEEDED);
    });
    expect((await client.get("/changes", from("192.0.2.2"))).status).toBe(200);
    for (const socket of held) socket.destroy();
  });

  it("of the streams, which in turn leave room for snapshots", async () => {
    const [greedy, other] = await clientsOf("greedy", "other");
    const abort = new AbortController();
    const follow = async (client: Client, subject: string) => {
      const token = await syncline.token({ [client.workspaceId]: "admin" }, { subject });
      return fetch(`${syncline.ingestUrl}/api/v1/workspaces/${client.workspaceId}/changes/events`, {
        headers: { authorization: `Bearer ${token}` },
        signal: abort.signal,
      });
    };
    // Keeps the answers: `fetch` ends the stream of a garbage-collected one.
    const answers: Response[] = [];
    for (let n = 0; n < 12; n++) answers.push(await follow(greedy, "greedy"));
    const statuses = answers.map((answer) => answer.status);
    expect(statuses).toEqual([...Array<number>(5).fill(200), ...Array<number>(7).fill(429)]);
    expect((await follow(other, "other")).status).toBe(200);
    const token = await syncline.token({ [greedy.workspaceId]: "admin" }, { subject: "greedy" });
    const snapshot = await fetch(`${syncline.ingestUrl}/api/v1/workspaces/${greedy.workspaceId}/snapshot`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(snapshot.status).toBe(200);
    await snapshot.text();
    abort.abort();
  });
});

describe("no client gets all the memory for bodies", () => {
  startForAll({ REQUEST_BYTES_MAX: String(BATCH_BYTES_MAX) });

  it("an announced body that does not arrive takes none of it", async () => {
    const [greedy, other] = await clientsOf("greedy", "other");
    const held = await Promise.all(Array.from({ length: 40 }, () => holdBody(greedy)));
    for (let n = 0; n < 20; n++) expect((await other.post(batchOf(1))).status).toBe(200);
    for (const socket of held) socket.destroy();
  });
});

describe("rates are limited if configured", () => {
  startForAll({ RATE_WORKSPACE: "20", RATE_SUBJECT: "10" });

  it("per workspace and per subject, with the rest in every answer", async () => {
    const subject = randomUUID();
    const client = await createClient({ syncline }, { subject });
    const { workspaceId } = client;
    const others = { workspaceId, subject: randomUUID() };
    const sameWorkspace = await createClient({ syncline }, others);
    const sameSubject = await createClient({ syncline }, { subject });
    // None of these windows ends during the test.
    for (const key of [`workspace:${workspaceId}`, `subject:${subject}`, `subject:${others.subject}`]) {
      await redis.set(`${keys.ratePrefix}:${key}`, 0, "EX", 3_600);
    }

    const answer = await client.post(batchOf(90));
    expect(answer.status).toBe(200);
    expect(answer.headers.get("ratelimit-policy")).toBe(
      '"workspace";q=200;qu="operations";w=10, "subject";q=100;qu="operations";w=10',
    );
    expect(answer.headers.get("ratelimit")).toMatch(/^"workspace";r=110;t=\d+, "subject";r=10;t=\d+$/);

    const second = batchOf(11);
    const refused = await sameSubject.post(second);
    expect(problemOf(refused)).toEqual({ status: 429, type: "rate-limited", comesAgain: true });
    expect(refused.headers.get("ratelimit")).toMatch(/"subject";r=0;t=\d+$/);
    expect((refused.body as unknown as { detail: string }).detail).toContain("the subject");
    expect((await sameWorkspace.post(batchOf(100, "other"))).status).toBe(200);
    expect(problemOf(await sameWorkspace.post(batchOf(11, "other"))).type).toBe("rate-limited");
    expect(await appliedOf(sameSubject)).toEqual(new Set());
  });

  it("and a client that waits as long as the answer says is accepted", async () => {
    const subject = randomUUID();
    const client = await createClient({ syncline }, { subject });
    expect((await client.post(batchOf(90))).status).toBe(200);
    // Shortens the windows, which otherwise last ten seconds.
    for (const key of [`workspace:${client.workspaceId}`, `subject:${subject}`]) {
      await redis.expire(`${keys.ratePrefix}:${key}`, 2);
    }
    const batch = batchOf(100);
    const answer = await client.post(batch);
    // On a machine that needs a whole window for one batch, no request is refused.
    if (answer.status !== 200) {
      expect(problemOf(answer)).toEqual({ status: 429, type: "rate-limited", comesAgain: true });
      const seconds = Number(answer.headers.get("retry-after"));
      expect(seconds).toBeLessThanOrEqual(2);
      await setTimeout(seconds * 1_000);
      expect((await client.post(batch)).status).toBe(200);
    }
    expect(await appliedOf(client)).toContain(batch.operations[0]?.client_id);
  });
});
