import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { countByRounds, planLoad, writeHotDocument } from "../../bench/hot-document/hot-document.ts";
import { createClient, eventually, startSystem, type System } from "../support/system.ts";

const LOAD = { devices: 12, fields: 48, operations: 480, perBatch: 2 };

interface OtlpMetrics {
  resourceMetrics: { scopeMetrics: { metrics: OtlpMetric[] }[] }[];
}
interface OtlpMetric {
  name: string;
  histogram?: { dataPoints: { explicitBounds: number[]; bucketCounts: (number | string)[] }[] };
}

let system: System;
let receiver: Server;
const metrics: OtlpMetric[] = [];
beforeAll(async () => {
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      if (request.url === "/v1/metrics") metrics.push(...readMetrics(body));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  system = await startSystem({
    env: {
      MERGE_BACKOFF_MS_MIN: "50",
      MERGE_BACKOFF_MS_MAX: "400",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_TRACES_SAMPLER: "always_off",
      OTEL_METRIC_EXPORT_INTERVAL: "200",
    },
  });
});
afterAll(async () => {
  await system.stop();
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
});

it("a document that many devices write at once ends with every edit in, in few rounds", async () => {
  const client = await createClient(system);
  const { workspaceId } = client;
  const token = await system.syncline.token({ [workspaceId]: "writer" });
  const { ingestUrl } = system.syncline;
  const outcome = await writeHotDocument({ ingestUrl, token, workspaceId }, LOAD);
  expect(outcome.data).toEqual(planLoad(LOAD).model);
  expect(outcome.version).toBe(1 + LOAD.operations);
  expect(new Set(outcome.conflicts.map(({ status }) => status))).toEqual(new Set(["resolved"]));
  // Each device but the first meets what another wrote; the last round is merged in the drain.
  expect(outcome.conflicts.length).toBeGreaterThanOrEqual(LOAD.devices - 1);
  expect(Math.max(...outcome.conflicts.map(({ round }) => round))).toBeLessThanOrEqual(8);

  // Each record, however it came to its end, says when and in which trace.
  const { body } = await client.get<{ conflicts: { conflict_id: string }[] }>("/conflicts?limit=500");
  for (const { conflict_id } of body.conflicts) {
    const record = await client.get(`/conflicts/${conflict_id}`);
    expect(record.body).toMatchObject({
      trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      opened_at: expect.stringMatching(/Z$/),
      resolved_at: expect.stringMatching(/Z$/),
      open_ms: expect.any(Number),
      two_way: false,
      overlaps: [],
    });
  }

  const expected = countByRounds(outcome.conflicts);
  await eventually(async () => expect(lastHistogram("syncline.merge.rounds")).toEqual(expected));
});

function readMetrics(body: string): OtlpMetric[] {
  const { resourceMetrics } = JSON.parse(body) as OtlpMetrics;
  return resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
}

/** How often each value was seen by the last report. */
function lastHistogram(name: string): Map<number, number> {
  const [point] = metrics.findLast((metric) => metric.name === name)?.histogram?.dataPoints ?? [];
  const counts = point?.bucketCounts.map(Number) ?? [];
  return new Map(
    counts.flatMap((count, index): [number, number][] =>
      count === 0 ? [] : [[point?.explicitBounds[index] ?? Infinity, count]],
    ),
  );
}
