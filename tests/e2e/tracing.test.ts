import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { keysOf } from "@syncline/lanes";
import { laneOf } from "@syncline/shared/protocol";
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from "../support/otlp-receiver.ts";
import {
  createClient,
  eventually,
  LANE_COUNT,
  startSystem,
  type Client,
  type System,
} from "../support/system.ts";

let system: System;
let receiver: OtlpReceiver;
beforeAll(async () => {
  receiver = await startOtlpReceiver();
  system = await startSystem({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "50",
      OTEL_BLRP_SCHEDULE_DELAY: "50",
      OTEL_METRIC_EXPORT_INTERVAL: "200",
      LOG_LEVEL: "debug",
    },
  });
});
afterAll(async () => {
  await system.stop();
  await receiver.stop();
});

/** Begins a client's trace: the headers to send, and the ids to find. */
function beginTrace(): { traceId: string; spanId: string; headers: { traceparent: string } } {
  const [traceId, spanId] = [randomBytes(16).toString("hex"), randomBytes(8).toString("hex")];
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-01` } };
}

/** Lets two devices change one document, and returns the answer to the second. */
async function collide(client: Client, data: object, headers: Record<string, string> = {}) {
  const document_id = randomBytes(8).toString("hex");
  const update = (device: string, data: object, headers: Record<string, string> = {}) => {
    const client_id = `${device}_${document_id}`;
    const operation = { operation: "update", client_id, document_id, data, expected_version: 1 };
    return client.post({ device_id: device, operations: [operation] }, headers);
  };
  await client.post({
    operations: [{ operation: "create", client_id: document_id, document_id, data: { a: 1 } }],
  });
  await update("dev_1", { a: 2 });
  return update("dev_2", data, headers);
}

/** The spans of a trace once it has this number, each with its position: `parent > child`. */
function spansOf(traceId: string, count: number): Promise<{ spans: ReceivedSpan[]; places: string[] }> {
  return eventually(async () => {
    const spans = receiver.spans.filter((span) => span.traceId === traceId);
    const placeOf = (span: ReceivedSpan): string => {
      const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
      const own = `${span.service.replace("syncline-", "")}: ${span.name}`;
      return parent === undefined ? own : `${placeOf(parent)} > ${own}`;
    };
    expect(spans).toHaveLength(count);
    return { spans, places: spans.map(placeOf) };
  });
}

it("shows an operation's whole life, conflict and merge included, as one trace across the three services", async () => {
  const client = await createClient(system);
  const { traceId, spanId, headers } = beginTrace();
  const answer = await collide(client, { b: "x" }, headers);
  expect(answer.body.results).toMatchObject([{ status: "success", merged: true }]);

  const { spans, places } = await spansOf(traceId, 12);
  const request = "ingest: POST /api/v1/documents/batch";
  const apply = `${request} > ingest: append batch > worker: apply batch`;
  const merge = `${apply} > worker: queue conflict > conflict: merge conflict`;
  expect(new Set(places)).toEqual(
    new Set([
      request,
      `${request} > ingest: claim-device`,
      `${request} > ingest: append batch`,
      `${request} > ingest: read-carried`,
      apply,
      `${apply} > worker: queue conflict`,
      merge,
      `${merge} > conflict: read-conflict`,
      `${merge} > conflict: read-remote`,
      `${merge} > conflict: read-ancestor`,
      `${merge} > conflict: republish`,
      `${merge} > conflict: republish > worker: apply resolution`,
    ]),
  );
  expect(spans.find(({ name }) => name.startsWith("POST"))).toMatchObject({
    kind: "server",
    parentSpanId: spanId,
    events: ["reply"],
    attributes: {
      "http.request.method": "POST",
      "http.route": "/api/v1/documents/batch",
      "http.response.status_code": 200,
      "url.path": "/api/v1/documents/batch",
      "url.scheme": "http",
      "syncline.batch.status": "completed",
      "syncline.notable": true,
    },
  });
  const lane = String(laneOf(client.workspaceId, LANE_COUNT));
  const onLane = (name: string, type: string) => ({
    "messaging.system": "redis",
    "messaging.destination.name": "lanes",
    "messaging.destination.partition.id": lane,
    "messaging.operation.name": name,
    "messaging.operation.type": type,
  });
  const onConflictQueue = (name: string, type: string) => ({
    "messaging.system": "bullmq",
    "messaging.destination.name": "conflict",
    "messaging.operation.name": name,
    "messaging.operation.type": type,
  });
  const conflictId = { "syncline.conflict_id": answer.body.results[0]?.conflict_id, "syncline.round": 1 };
  const expected: [name: string, kind: string, attributes: object][] = [
    ["append batch", "producer", onLane("append", "send")],
    ["apply batch", "consumer", { ...onLane("apply", "process"), "syncline.batch.status": "syncing" }],
    ["queue conflict", "producer", { ...onConflictQueue("queue", "send"), ...conflictId }],
    ["merge conflict", "consumer", { ...onConflictQueue("merge", "process"), ...conflictId }],
    ["republish", "producer", { ...onLane("republish", "send"), ...conflictId }],
    ["apply resolution", "consumer", { ...onLane("apply", "process"), ...conflictId }],
    ["read-remote", "client", { "db.system.name": "postgresql", "db.query.summary": "read-remote" }],
  ];
  for (const [name, kind, attributes] of expected) {
    expect(spans.find((span) => span.name === name)).toMatchObject({ name, kind, attributes });
  }
});

it("gives every window its own trace, linked with those of its batches, both ways", async () => {
  const client = await createClient(system);
  const lane = laneOf(client.workspaceId, LANE_COUNT);
  const [worker] = system.syncline.workers;
  await worker?.stop();
  const traces = [beginTrace(), beginTrace(), beginTrace()];
  const answers = traces.map(({ headers }, n) =>
    client.post(
      { operations: [{ operation: "create", client_id: `c${n}`, document_id: `d${n}`, data: {} }] },
      headers,
    ),
  );
  await eventually(async () =>
    expect(await system.redis.xlen(keysOf("{syncline}").laneStream(lane))).toBe(3),
  );
  await worker?.start();
  await Promise.all(answers);

  const applied = await Promise.all(traces.map(({ traceId }) => spansOf(traceId, 3)));
  const applySpans = applied.flatMap(({ spans }) => spans.filter(({ name }) => name === "apply batch"));
  const appendSpans = applied.flatMap(({ spans }) => spans.filter(({ name }) => name === "append batch"));
  const drain = receiver.spans.find(
    ({ name, links }) => name === "drain lane" && links.includes(appendSpans[0]?.spanId ?? ""),
  );
  expect(drain?.attributes).toMatchObject({
    "messaging.operation.name": "drain",
    "messaging.batch.message_count": 3,
    "syncline.operations.success": 3,
  });
  expect(drain?.parentSpanId).toBeUndefined();
  expect(drain?.events).toEqual(["committed"]);
  expect(drain?.links.toSorted()).toEqual(appendSpans.map(({ spanId }) => spanId).toSorted());
  expect(applySpans.flatMap(({ links }) => links)).toEqual(traces.map(() => drain?.spanId));
  const below = receiver.spans.filter(({ parentSpanId }) => parentSpanId === drain?.spanId);
  expect(below.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
    "client read window",
    "client commit window",
  ]);
});

it("continues in the conflict service if a client's request is forwarded by ingest", async () => {
  const client = await createClient(system);
  const { traceId, headers } = beginTrace();
  expect((await client.get("/conflicts", headers)).status).toBe(200);
  const { places } = await spansOf(traceId, 4);
  const route = "GET /api/v1/workspaces/:workspaceId/conflicts";
  expect(places).toContain(`ingest: ${route} > ingest: GET > conflict: ${route} > conflict: list-conflicts`);
});

it("sends log records and metrics of all three services, each record with its trace", async () => {
  const client = await createClient(system);
  const { traceId, headers } = beginTrace();
  await collide(client, { b: "y" }, headers);
  await eventually(async () => {
    const logs = receiver.logs.filter((log) => log.traceId === traceId);
    expect(logs.map(({ service, severity, body }) => [service, severity, body])).toEqual(
      expect.arrayContaining([
        ["syncline-ingest", "info", "batch accepted"],
        ["syncline-conflict", "debug", "conflict merged"],
      ]),
    );
    expect(receiver.logs.map(({ service }) => service)).toContain("syncline-worker");
    expect([...(receiver.metricsByService.get("syncline-ingest") ?? [])]).toContain(
      "syncline.operations.accepted",
    );
    expect([...(receiver.metricsByService.get("syncline-worker") ?? [])]).toContain(
      "syncline.drain.duration",
    );
    expect([...(receiver.metricsByService.get("syncline-conflict") ?? [])]).toContain(
      "syncline.conflicts.unsettled",
    );
  });
  expect(system.syncline.logs()).toContain(`"trace_id":"${traceId}"`);
});

it("reveals no document's content: in no span, metric, log record or line, whatever the outcome", async () => {
  const canary = `canary_${randomBytes(8).toString("hex")}`;
  const client = await createClient(system);
  const { traceId, headers } = beginTrace();
  // The message and the detail of Postgres's errors quote rows, as at a violated constraint.
  await system.pool.query(`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.document_id = 'refused' THEN
        RAISE EXCEPTION 'no such row: %', NEW.data USING DETAIL = NEW.data::text;
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON documents FOR EACH ROW EXECUTE FUNCTION refuse()`);
  onTestFinished(async () => void (await system.pool.query("DROP TRIGGER refuse ON documents")));
  await collide(client, { b: canary }, headers);
  const operations = [
    { operation: "create", client_id: "c1", document_id: "refused", data: { text: canary } },
    { operation: "update", client_id: "c2", document_id: "unknown", data: { [canary]: 1 } },
    { operation: "create", client_id: "c3", document_id: "fine", data: { text: canary }, group: "one" },
  ];
  const answer = await client.post({ operations }, headers);
  expect(answer.body.results.map(({ status }) => status)).toEqual(["error", "error", "success"]);
  await client.postRaw(`{ "workspace_id": "${client.workspaceId}", ${canary}`, headers);
  await eventually(async () => {
    const requests = receiver.spans.filter((span) => span.traceId === traceId && span.kind === "server");
    expect(requests).toHaveLength(3);
    expect(receiver.spans).toContainEqual(
      expect.objectContaining({
        name: "commit window",
        failed: true,
        attributes: expect.objectContaining({
          "error.type": "SYN_OPERATION_REFUSED",
          "db.response.status_code": "P0001",
        }),
      }),
    );
  });
  expect(receiver.bodies.filter((body) => body.includes(canary))).toEqual([]);
  expect(system.syncline.logs()).not.toContain(canary);
});

it("keeps failed and conflicting traces whole, if only a share of the traces is sent", async () => {
  // A share of zero: each trace that arrives is notable.
  const sampled = await startSystem({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0",
      OTEL_BSP_SCHEDULE_DELAY: "50",
    },
  });
  onTestFinished(() => sampled.stop());
  const client = await createClient(sampled);
  const before = receiver.spans.length;
  const answer = await collide(client, { b: "z" });
  expect(answer.body.results).toMatchObject([{ merged: true }]);
  const create = { operation: "create", client_id: "plain", document_id: "plain", data: {} };
  const unknown = { operation: "update", client_id: "unknown", document_id: "unknown", data: {} };
  await client.post({ operations: [create] });
  await client.post({ operations: [unknown] });

  await eventually(async () => {
    const kept = receiver.spans.slice(before);
    const namesByTrace = Map.groupBy(kept, ({ traceId }) => traceId).values();
    const traces = [...namesByTrace].map((spans) =>
      spans
        .map(({ name }) => name)
        .toSorted()
        .join(", "),
    );
    expect(traces.toSorted()).toEqual([
      // The operation on a document that never existed.
      "POST /api/v1/documents/batch, append batch, apply batch",
      // The operation in conflict, from the request to the commit of its merge.
      "POST /api/v1/documents/batch, append batch, apply batch, apply resolution, claim-device, merge conflict, " +
        "queue conflict, read-ancestor, read-carried, read-conflict, read-remote, republish",
      // The drains of the two; that of the resolution is not notable.
      "commit window, drain lane, read window",
      "commit window, drain lane, read window",
    ]);
  });
});

it("sends protobuf by default, and does not wait for a collector that never answers", async () => {
  const taken: { path: string; type: string; body: string }[] = [];
  const collector = createServer((request) => {
    const [path, type] = [request.url ?? "", request.headers["content-type"] ?? ""];
    const taking = { path, type, body: "" };
    taken.push(taking);
    request.setEncoding("latin1").on("data", (chunk: string) => {
      taking.body += chunk;
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const { port } = collector.address() as AddressInfo;
  const unheard = await startSystem({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_BSP_SCHEDULE_DELAY: "50" },
  });
  onTestFinished(async () => {
    await unheard.stop();
    collector.closeAllConnections();
    collector.close();
  });
  const client = await createClient(unheard);
  for (const id of ["a", "b", "c"]) {
    const operation = { operation: "create", client_id: id, document_id: id, data: {} };
    expect((await client.post({ operations: [operation] })).status).toBe(200);
  }
  const { ingest, conflict, workers } = unheard.syncline;
  const ends = await Promise.all(
    [ingest, conflict, ...workers].map(async (service) => {
      const { ended } = service;
      await service.kill("SIGTERM");
      return ended;
    }),
  );
  expect(ends).toEqual(["exit code 0", "exit code 0", "exit code 0"]);
  expect(unheard.syncline.logs()).toContain("the last telemetry could not be sent");
  // Protobuf contains strings unencoded. Exports after a signal's first one may still have waited for its answer.
  const type = "application/x-protobuf";
  expect(taken).toContainEqual({
    path: "/v1/traces",
    type,
    body: expect.stringContaining("syncline-ingest"),
  });
  expect(taken).toContainEqual({ path: "/v1/logs", type, body: expect.stringContaining("ingest is ready") });
  expect(taken).toContainEqual({
    path: "/v1/metrics",
    type,
    body: expect.stringContaining("syncline.operations.accepted"),
  });
});
