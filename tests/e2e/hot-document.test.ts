import { afterAll, beforeAll, expect, it } from "vitest";
import { countByRounds, planLoad, writeHotDocument } from "../../bench/hot-document/hot-document.ts";
import { scrape } from "../support/metrics.ts";
import { startOtlpReceiver, type OtlpReceiver } from "../support/otlp-receiver.ts";
import { createClient, eventually, startSystem, type System } from "../support/system.ts";

const LOAD = { devices: 12, fields: 48, operations: 480, perBatch: 2 };

let system: System;
let receiver: OtlpReceiver;
beforeAll(async () => {
  receiver = await startOtlpReceiver();
  system = await startSystem({
    env: {
      MERGE_BACKOFF_MS_MIN: "50",
      MERGE_BACKOFF_MS_MAX: "400",
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    },
  });
});
afterAll(async () => {
  await system.stop();
  await receiver.stop();
});

it("a document that many devices write at once ends with every edit, in few rounds", async () => {
  const client = await createClient(system);
  const { workspaceId } = client;
  const token = await system.syncline.token({ [workspaceId]: "writer" });
  const { ingestUrl } = system.syncline;
  const outcome = await writeHotDocument({ ingestUrl, token, workspaceId }, LOAD);
  expect(outcome.data).toEqual(planLoad(LOAD).model);
  expect(outcome.version).toBe(1 + LOAD.operations);
  expect(new Set(outcome.conflicts.map(({ status }) => status))).toEqual(new Set(["resolved"]));
  // Each device but the first conflicts with another's write; the last round is merged in the drain.
  expect(outcome.conflicts.length).toBeGreaterThanOrEqual(LOAD.devices - 1);
  expect(Math.max(...outcome.conflicts.map(({ round }) => round))).toBeLessThanOrEqual(8);

  // Each resolved record has its time and its trace.
  const { body } = await client.get<{ conflicts: { conflict_id: string }[] }>("/conflicts?limit=500");
  for (const { conflict_id } of body.conflicts) {
    const record = await eventually(async () => {
      const answer = await client.get(`/conflicts/${conflict_id}`);
      expect(answer.status).toBe(200); // a busy conflict service answers 503
      return answer;
    });
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
  await eventually(async () => expect(await readRounds()).toEqual(expected));
});

/** The number of merges by rounds, from the worker's histogram: each of its buckets includes the lower ones. */
async function readRounds(): Promise<Map<number, number>> {
  const families = await scrape(system.syncline.workerUrls[0] ?? "");
  const buckets = families.get("syncline_merge_rounds")?.samples ?? [];
  const counts = new Map<number, number>();
  let below = 0;
  for (const { name, labels, value } of buckets) {
    if (!name.endsWith("_bucket")) continue;
    if (value > below) counts.set(Number(labels["le"]), value - below);
    below = value;
  }
  return counts;
}
