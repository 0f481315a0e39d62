import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A point of a counter or a histogram as it came over the wire last. */
export interface ReceivedPoint {
  attributes: Record<string, unknown>;
  /** Of a counter. */
  value?: number;
  /** Of a histogram: how often each bucket was met, by its upper bound; those that never were left out. */
  counts?: Map<number, number>;
}

/** Receives metrics as OTLP over HTTP in JSON, as a collector would. */
export interface MetricReceiver {
  /** What makes a service send its metrics here, often. */
  env: Record<string, string>;
  /** What the metric was reported as last. */
  last(name: string): ReceivedPoint[];
  stop(): Promise<void>;
}

interface OtlpPoint {
  attributes?: { key: string; value: Record<string, unknown> }[];
  asInt?: number | string;
  asDouble?: number;
  explicitBounds?: number[];
  bucketCounts?: (number | string)[];
}

interface OtlpMetrics {
  resourceMetrics: {
    scopeMetrics: {
      metrics: { name: string; sum?: { dataPoints: OtlpPoint[] }; histogram?: { dataPoints: OtlpPoint[] } }[];
    }[];
  }[];
}

export async function startMetricReceiver(): Promise<MetricReceiver> {
  const lastByName = new Map<string, ReceivedPoint[]>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.url === "/v1/metrics") read(Buffer.concat(chunks).toString());
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  function read(body: string): void {
    const { resourceMetrics } = JSON.parse(body) as OtlpMetrics;
    const scopes = resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics);
    for (const { name, sum, histogram } of scopes.flatMap(({ metrics }) => metrics)) {
      lastByName.set(name, (sum ?? histogram)?.dataPoints.map(readPoint) ?? []);
    }
  }

  return {
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_TRACES_SAMPLER: "always_off",
      OTEL_METRIC_EXPORT_INTERVAL: "200",
    },
    last: (name) => lastByName.get(name) ?? [],
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function readPoint({ attributes = [], asInt, asDouble, explicitBounds = [], bucketCounts }: OtlpPoint) {
  const point: ReceivedPoint = {
    attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
  };
  const value = asInt ?? asDouble;
  if (value !== undefined) point.value = Number(value);
  if (bucketCounts !== undefined) {
    const counts = bucketCounts.map((count, index): [number, number] => [
      explicitBounds[index] ?? Infinity,
      Number(count),
    ]);
    point.counts = new Map(counts.filter(([, count]) => count > 0));
  }
  return point;
}
