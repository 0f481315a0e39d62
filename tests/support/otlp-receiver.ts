import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A received span. */
export interface ReceivedSpan {
  service: string;
  name: string;
  /** `internal`, `server`, `client`, `producer` or `consumer`. */
  kind: string;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  /** The ids of its linked spans. */
  links: string[];
  events: string[];
  attributes: Record<string, unknown>;
  failed: boolean;
  startedAtMs: number;
  endedAtMs: number;
}

export interface ReceivedLog {
  service: string;
  severity: string;
  body: string;
  traceId: string | undefined;
  attributes: Record<string, unknown>;
}

/** Receives OTLP over HTTP in JSON, as a collector would. */
export interface OtlpReceiver {
  url: string;
  spans: ReceivedSpan[];
  logs: ReceivedLog[];
  /** The names of the metrics that each service has sent. */
  metricsByService: Map<string, Set<string>>;
  /** All received bodies, unparsed. */
  bodies: string[];
  stop(): Promise<void>;
}

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

interface WireSpan {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  links?: { spanId: string }[];
  events?: { name: string }[];
  attributes?: Attribute[];
  status?: { code?: number };
  startTimeUnixNano: string;
  endTimeUnixNano: string;
}

interface WireLog {
  severityText?: string;
  body?: { stringValue?: string };
  traceId?: string;
  attributes?: Attribute[];
}

interface Resource {
  resource: { attributes: Attribute[] };
}

interface Body {
  resourceSpans?: (Resource & { scopeSpans: { spans: WireSpan[] }[] })[];
  resourceMetrics?: (Resource & { scopeMetrics: { metrics: { name: string }[] }[] })[];
  resourceLogs?: (Resource & { scopeLogs: { logRecords: WireLog[] }[] })[];
}

const KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const STATUS_ERROR = 2;

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const received: Omit<OtlpReceiver, "url" | "stop"> = {
    spans: [],
    logs: [],
    metricsByService: new Map(),
    bodies: [],
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      received.bodies.push(body);
      takeIn(received, JSON.parse(body) as Body);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    ...received,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function takeIn({ spans, logs, metricsByService }: Omit<OtlpReceiver, "url" | "stop">, body: Body): void {
  for (const { resource, scopeSpans } of body.resourceSpans ?? []) {
    const service = serviceOf(resource);
    spans.push(...scopeSpans.flatMap((scope) => scope.spans.map((span) => readSpan(service, span))));
  }
  for (const { resource, scopeLogs } of body.resourceLogs ?? []) {
    const service = serviceOf(resource);
    logs.push(...scopeLogs.flatMap((scope) => scope.logRecords.map((log) => readLog(service, log))));
  }
  for (const { resource, scopeMetrics } of body.resourceMetrics ?? []) {
    const service = serviceOf(resource);
    const names = metricsByService.get(service) ?? new Set();
    metricsByService.set(service, names);
    for (const { metrics } of scopeMetrics) for (const { name } of metrics) names.add(name);
  }
}

function readSpan(service: string, span: WireSpan): ReceivedSpan {
  return {
    service,
    name: span.name,
    kind: KINDS[span.kind] ?? "",
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    links: (span.links ?? []).map((link) => link.spanId),
    events: (span.events ?? []).map((event) => event.name),
    attributes: readAttributes(span.attributes),
    failed: span.status?.code === STATUS_ERROR,
    startedAtMs: Number(span.startTimeUnixNano) / 1e6,
    endedAtMs: Number(span.endTimeUnixNano) / 1e6,
  };
}

function readLog(service: string, log: WireLog): ReceivedLog {
  return {
    service,
    severity: log.severityText ?? "",
    body: log.body?.stringValue ?? "",
    traceId: log.traceId,
    attributes: readAttributes(log.attributes),
  };
}

function serviceOf({ attributes }: Resource["resource"]): string {
  return String(readAttributes(attributes)["service.name"]);
}

function readAttributes(attributes: readonly Attribute[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
