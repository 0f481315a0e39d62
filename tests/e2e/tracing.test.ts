import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createClient, eventually, startSystem, type System } from "../support/system.ts";
import { startTraceReceiver } from "../support/trace-receiver.ts";

let system: System;
let receiver: Awaited<ReturnType<typeof startTraceReceiver>>;
beforeAll(async () => {
  receiver = await startTraceReceiver();
  system = await startSystem({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_METRICS_EXPORTER: "none",
      OTEL_LOGS_EXPORTER: "none",
      OTEL_BSP_SCHEDULE_DELAY: "50",
    },
  });
});
afterAll(async () => {
  await system.stop();
  await receiver.stop();
});

it("shows an operation's whole life, conflict and merge included, as one trace across the three services", async () => {
  const client = await createClient(system);
  const secret = "words that only the document may hold";
  const edit = (device: string, data: object, headers: Record<string, string> = {}) => {
    const operation = {
      operation: "update",
      client_id: device,
      document_id: "doc",
      data,
      expected_version: 1,
    };
    return client.post({ device_id: device, operations: [operation] }, headers);
  };
  await client.post({
    operations: [{ operation: "create", client_id: "c", document_id: "doc", data: { a: 1 } }],
  });
  await edit("dev_1", { a: 2 });
  const traceId = randomBytes(16).toString("hex");
  const callerSpanId = randomBytes(8).toString("hex");
  const answer = await edit("dev_2", { b: secret }, { traceparent: `00-${traceId}-${callerSpanId}-01` });
  expect(answer.body.results).toMatchObject([{ status: "success", merged: true }]);

  const spans = await eventually(async () => {
    const ofTrace = receiver.spans.filter((span) => span.traceId === traceId);
    expect(
      ofTrace.map(({ service, name }) => `${service}: ${name}`).toSorted((a, b) => a.localeCompare(b)),
    ).toEqual([
      "syncline-conflict: merge conflict",
      "syncline-conflict: republish",
      "syncline-ingest: append batch",
      "syncline-ingest: POST /api/v1/documents/batch",
      "syncline-worker: apply batch",
      "syncline-worker: apply resolution",
    ]);
    return ofTrace;
  });
  const named = (name: string) => spans.find((span) => span.name === name);
  const parents = [
    ["POST /api/v1/documents/batch", callerSpanId],
    ["append batch", named("POST /api/v1/documents/batch")?.spanId],
    ["apply batch", named("append batch")?.spanId],
    ["merge conflict", named("append batch")?.spanId],
    ["republish", named("merge conflict")?.spanId],
    ["apply resolution", named("republish")?.spanId],
  ] as const;
  for (const [name, parent] of parents) expect([name, named(name)?.parentSpanId]).toEqual([name, parent]);

  const drains = receiver.spans.filter((span) => span.name === "drain lane" && span.links.includes(traceId));
  expect(drains).toHaveLength(2);
  expect(JSON.stringify(receiver.spans)).not.toContain(secret);
  expect(system.syncline.logs()).not.toContain(secret);
});
