import { readFileSync } from "node:fs";
import { laneOf } from "@syncline/shared/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { dashboardQueries } from "../../observability/testing/dashboard-queries.ts";
import { scrape, valueOf, type MetricFamily } from "../support/metrics.ts";
import {
  createClient,
  eventually,
  LANE_COUNT,
  startSystem,
  type Client,
  type System,
} from "../support/system.ts";

const MEMORY_LIMIT = 8 * 1024 * 1024 * 1024;

let system: System;
let client: Client;
beforeAll(async () => {
  system = await startSystem();
  client = await createClient(system);
  await system.redis.config("SET", "maxmemory", MEMORY_LIMIT);
});
afterAll(async () => {
  await system.redis.config("SET", "maxmemory", 0);
  await system.stop();
});

const ingest = () => scrape(system.syncline.ingestUrl);
const conflict = () => scrape(system.syncline.conflictUrl);
const worker = () => scrape(system.syncline.workerUrls[0] ?? "");

let updates = 0;
function update(device: string, documentId: string, data: object, batch: object = {}) {
  const client_id = `update_${++updates}`;
  const operation = { operation: "update", client_id, document_id: documentId, data, expected_version: 1 };
  return client.post({ device_id: device, operations: [operation], ...batch });
}

describe("metrics", () => {
  it("count the outcomes of operations", async () => {
    const operations = ["merged", "parked", "reported"].map((document_id) => ({
      operation: "create",
      client_id: document_id,
      document_id,
      data: { a: 1 },
    }));
    // Two updates of one device are one change.
    const folded = [1, 2].map((a) => ({
      operation: "update",
      client_id: `folded_${a}`,
      document_id: "parked",
      data: { a },
    }));
    await client.post({ device_id: "dev_1", operations: [...operations, ...folded] });
    for (const documentId of ["merged", "parked", "reported"]) await update("dev_1", documentId, { a: 3 });
    await update("dev_2", "merged", { b: 1 });
    await update("dev_2", "parked", { a: 4 }, { on_conflict: "manual" });
    await update("dev_2", "parked", { a: 5 });
    await update("dev_2", "reported", { a: 4 }, { on_conflict: "report" });
    await update("dev_2", "unknown", { a: 1 });

    const [accepted, applied] = [await ingest(), await worker()];
    expect({
      accepted: valueOf(accepted, "syncline_operations_accepted_total"),
      batches: valueOf(accepted, "syncline_batch_operations"),
      applied: valueOf(applied, "syncline_operations_applied_total"),
      changes: valueOf(applied, "syncline_changes_written_total"),
      conflicted: valueOf(applied, "syncline_operations_conflicted_total"),
      failed: valueOf(applied, "syncline_operations_failed_total"),
      commits: valueOf(applied, "syncline_batch_commit_duration_seconds"),
      merges: valueOf(applied, "syncline_operation_merge_duration_seconds"),
    }).toEqual({
      accepted: 13,
      batches: 9,
      applied: 9,
      changes: 8,
      conflicted: 4,
      failed: 1,
      commits: 9,
      merges: 1,
    });
    const requests = {
      http_request_method: "POST",
      http_route: "/api/v1/documents/batch",
      http_response_status_code: "200",
    };
    // A request ends a moment after its answer has arrived.
    await eventually(async () =>
      expect(valueOf(await ingest(), "http_server_request_duration_seconds", requests)).toBe(9),
    );
  });

  it("show open and parked conflicts", async () => {
    const settled = await conflict();
    const unsettled = (name: string) =>
      ["open", "parked"].map((status) => valueOf(settled, name, { syncline_conflict_status: status }));
    expect(unsettled("syncline_conflicts_unsettled")).toEqual([0, 1]);
    expect(unsettled("syncline_operations_held")).toEqual([0, 2]);
  });

  it("show each lane's backlog and its age, even without a running worker", async () => {
    const [drained] = system.syncline.workers;
    await drained?.stop();
    const create = { operation: "create", client_id: "late", document_id: "late", data: {} };
    const answer = client.post({ operations: [create] });
    const lane = { syncline_lane: String(laneOf(client.workspaceId, LANE_COUNT)) };
    await eventually(async () => {
      const waiting = await ingest();
      expect(valueOf(waiting, "syncline_lane_backlog_entries", lane)).toBe(1);
      expect(valueOf(waiting, "syncline_lane_oldest_age_seconds", lane)).toBeGreaterThan(0.5);
      expect(valueOf(waiting, "syncline_batches_waiting")).toBe(1);
      expect(waiting.get("syncline_lane_backlog_entries")?.samples).toHaveLength(LANE_COUNT);
    });
    await drained?.start();
    await answer;
    const done = await ingest();
    expect(valueOf(done, "syncline_lane_backlog_entries", lane)).toBe(0);
    expect(valueOf(done, "syncline_lane_oldest_age_seconds", lane)).toBe(0);
  });

  it("count the open streams", async () => {
    const token = await system.syncline.token({ [client.workspaceId]: "reader" });
    const leaving = new AbortController();
    const url = `${system.syncline.ingestUrl}/api/v1/workspaces/${client.workspaceId}/changes/events`;
    await fetch(url, { headers: { authorization: `Bearer ${token}` }, signal: leaving.signal });
    expect(valueOf(await ingest(), "syncline_streams_open")).toBe(1);
    leaving.abort();
    await eventually(async () => expect(valueOf(await ingest(), "syncline_streams_open")).toBe(0));
  });

  it("report the stores, in every process", async () => {
    for (const families of [await ingest(), await worker(), await conflict()]) {
      for (const syncline_store of ["postgres", "redis"]) {
        expect(valueOf(families, "syncline_store_up", { syncline_store })).toBe(1);
        expect(valueOf(families, "syncline_store_ping_seconds", { syncline_store })).toBeGreaterThan(0);
      }
    }
    const of = { db_client_connection_pool_name: "worker" };
    const pools = await worker();
    expect(valueOf(pools, "db_client_connection_max", of)).toBeGreaterThan(0);
    // The health check waits for no connection, either.
    expect(valueOf(pools, "db_client_connection_pending_requests", of)).toBe(0);
    expect(valueOf(await ingest(), "syncline_redis_memory_limit_bytes")).toBe(MEMORY_LIMIT);
  });
});

/** Causes the events without which a process exports no series: histograms, and labels of ended requests. */
async function bringAllAbout(): Promise<void> {
  await system.syncline.conflict.stop();
  expect((await client.get("/conflicts")).status).toBe(502);
  await system.syncline.conflict.start();
  expect((await client.get("/conflicts")).status).toBe(200);
  await client.post({
    operations: [{ operation: "create", client_id: "all", document_id: "all", data: { a: 1 } }],
  });
  await update("dev_1", "all", { a: 2 });
  await update("dev_2", "all", { b: 2 });
}

/** Every metric, with the processes that export it and its labels. */
async function everyMetric(): Promise<Map<string, MetricFamily & { from: string[]; labels: string[] }>> {
  const all = new Map<string, MetricFamily & { from: string[]; labels: string[] }>();
  const scraped = { ingest: await ingest(), worker: await worker(), conflict: await conflict() };
  for (const [service, families] of Object.entries(scraped)) {
    for (const [name, family] of families) {
      const known = all.get(name);
      const labels = new Set([
        ...(known?.labels ?? []),
        ...family.samples.flatMap((sample) => Object.keys(sample.labels)),
      ]);
      labels.delete("le");
      // Its resource labels are too many to list.
      if (name === "target_info") labels.clear();
      all.set(name, { ...family, from: [...(known?.from ?? []), service], labels: [...labels] });
    }
  }
  return all;
}

describe("what is said of metrics", () => {
  beforeAll(bringAllAbout);

  it("docs/observability.md lists every metric", async () => {
    const page = readFileSync(new URL("../../docs/observability.md", import.meta.url), "utf8");
    const told = page
      .split("\n")
      .filter((line) => /^\| `[a-z_]+` /.test(line))
      .map((line) => line.replaceAll(/ +/g, " ").trim());
    const code = (words: readonly string[]) => words.map((word) => `\`${word}\``).join(", ") || "none";
    const true_ = [...(await everyMetric()).values()].map(
      ({ name, type, from, labels, help }) =>
        `| \`${name}\` | ${type} | ${from.length === 3 ? "all" : from.join(", ")} | ${code(labels)} | ${help} |`,
    );
    expect(told.toSorted()).toEqual(true_.toSorted());
  });

  it("dashboards and alerts name existing metrics and labels", async () => {
    const metrics = await everyMetric();
    const series = new Set(
      [...metrics.values()].flatMap(({ name, type }) =>
        type === "histogram" ? ["_bucket", "_sum", "_count"].map((suffix) => name + suffix) : [name],
      ),
    );
    const rules = readFileSync(new URL("../../observability/rules/syncline.yaml", import.meta.url), "utf8");
    const { groups } = parse(rules) as {
      groups: { rules: { expr: string; record?: string; alert?: string }[] }[];
    };
    const asked = [
      ...dashboardQueries(),
      ...groups.flatMap((group) =>
        group.rules.map(({ expr, alert, record }) => ({ where: alert ?? record, expr })),
      ),
    ];
    // Prometheus's own metrics, and those of the recording rules.
    const others = new Set(["up", ...groups.flatMap((group) => group.rules.map(({ record }) => record))]);
    const labels = new Set([
      ...[...metrics.values()].flatMap((metric) => metric.labels),
      "le",
      "job",
      "instance",
    ]);
    for (const { where, expr } of asked) {
      const { names, labelNames } = namesIn(expr);
      expect(names.length, `${where} queries no metric`).toBeGreaterThan(0);
      const unknown = names.filter((name) => !series.has(name) && !others.has(name));
      expect(unknown, `${where} names unknown metrics`).toEqual([]);
      const strange = labelNames.filter((label) => !labels.has(label));
      expect(strange, `${where} names unknown labels`).toEqual([]);
    }
  });
});

/** The metrics and the labels that a query names: all identifiers except functions, keywords and values. */
function namesIn(expr: string): { names: string[]; labelNames: string[] } {
  const bare = expr.replaceAll(/"[^"]*"/g, '""').replaceAll(/\[[^\]]*\]/g, "");
  const groupings = [...bare.matchAll(/\b(?:by|without|ignoring|on) ?\(([^)]*)\)/g)].map(
    ([, inside = ""]) => inside,
  );
  const matchers = [...bare.matchAll(/\{([^}]*)\}/g)].map(([, inside = ""]) => inside);
  const labelNames = [
    ...groupings.flatMap((inside) => inside.split(",")),
    ...matchers.flatMap((inside) => inside.split(",").map((matcher) => matcher.split(/[=!]/)[0] ?? "")),
  ].map((label) => label.trim());
  const rest = bare
    .replaceAll(/\{[^}]*\}/g, "")
    .replaceAll(/\b(?:by|without|ignoring|on) ?\([^)]*\)/g, "")
    .replaceAll(/\b(?:and|or|unless|group_left|group_right)\b/g, " ");
  const names = [...rest.matchAll(/\b([a-z_][\w:]*)\b(?!\s*\()/gi)].map(([, name = ""]) => name);
  return { names, labelNames };
}
