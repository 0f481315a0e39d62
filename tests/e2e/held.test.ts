import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient, eventually, startSystem, type Client, type System } from "../support/system.ts";

let system: System;
beforeAll(async () => {
  system = await startSystem({ env: { SWEEP_INTERVAL_MS: "200", WINDOW_OPERATIONS_MAX: "100" } });
});
afterAll(() => system.stop());

let operations = 0;
const edit = (data: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  operation: "update",
  client_id: `h${++operations}`,
  document_id: "note",
  data,
  ...more,
});

/** Creates a document that another device has changed. */
async function clientWithNote(): Promise<Client> {
  const client = await createClient(system);
  const create = { operation: "create", client_id: "create", document_id: "note", data: { a: 1, b: 1 } };
  await client.post({ device_id: "dev_1", operations: [create] });
  await client.post({ device_id: "dev_2", operations: [edit({ b: 2 })] });
  return client;
}
const post = (client: Client, operation: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  client.post({ device_id: "dev_3", operations: [operation], ...more });
const noteOf = async (client: Client) =>
  (await client.get<{ data: unknown }>("/documents/documents/note")).body.data;

describe("an operation behind its device's own conflict", () => {
  it("is refused with a reported one if it was accepted before the answer, and otherwise evaluated by itself", async () => {
    const client = await clientWithNote();
    const [worker] = system.syncline.workers;
    await worker?.stop();
    const report = { on_conflict: "report" };
    // A window takes whole batches up to a number of operations: the two are drained separately.
    const many = Array.from({ length: 99 }, (_, n) => ({
      ...edit({}),
      operation: "put",
      document_id: `other_${n}`,
    }));
    const later = { prefer: "respond-async" };
    const stale = edit({ a: 3 }, { expected_version: 1 });
    await client.post({ device_id: "dev_3", ...report, operations: [stale, ...many] }, later);
    const blind = { device_id: "dev_3", operations: [edit({ a: 4 })] };
    const second = await client.post(blind, later);
    await worker?.start();
    const { body } = await eventually(async () => {
      const answer = await client.getAbsolute<typeof second.body>(second.headers.get("location") ?? "");
      expect(answer.body.status).toBe("failed");
      return answer;
    });
    const behind = { error_type: "behind_conflict", action: "read-and-resend" };
    const ofReported = { conflict_data: { conflict_status: "reported" } };
    expect(body.results).toMatchObject([{ status: "conflict", ...behind, ...ofReported }]);
    const conflictId = body.results[0]?.conflict_data?.conflict_id;
    const record = await client.get<{ status: string; operations: unknown[] }>(`/conflicts/${conflictId}`);
    expect(record.body).toMatchObject({ status: "reported" });
    expect(record.body.operations).toHaveLength(2);
    expect((await post(client, edit({ a: 5 }))).body.results).toMatchObject([{ status: "success" }]);
    expect(await noteOf(client)).toEqual({ a: 5, b: 2 });
  });

  it("is bounded: a full run takes no more operations, before acceptance, until it is resolved", async () => {
    const client = await clientWithNote();
    const first = edit({ b: 3 }, { expected_version: 1 });
    const parked = await post(client, first, { on_conflict: "manual" });
    const [result] = parked.body.results;
    expect(result).toMatchObject({ status: "conflict", error_type: "parked", action: "ask-person" });
    const conflictId = result?.conflict_data?.conflict_id;
    const setCount = (count: number) =>
      system.pool.query("UPDATE conflicts SET operation_count = $2 WHERE conflict_id = $1", [
        conflictId,
        count,
      ]);
    await setCount(1_000);
    const refused = await eventually(async () => {
      const answer = await post(client, edit({ b: 4 }));
      expect(answer.status).toBe(429);
      return answer;
    });
    expect(refused.headers.get("retry-after")).toBe("30");
    expect(refused.body).toMatchObject({ type: "urn:syncline:problem:too-many-held" });
    // A recorded operation needs no room.
    const again = await post(client, first, { on_conflict: "manual" });
    expect([again.status, again.body.results]).toEqual([200, [{ ...result, replayed: true }]]);
    const others = [
      client.post({ device_id: "dev_2", operations: [edit({ c: 1 })] }),
      post(client, { ...edit({}), operation: "put", document_id: "another" }),
    ];
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([200, 200]);
    await setCount(1);
    await eventually(async () => expect((await post(client, edit({ d: 1 }))).status).toBe(200));
    const { rows } = await system.pool.query<{ held: number; stated: number }>(
      `SELECT sum(octet_length(h.operation::text))::int AS held, min(c.operation_bytes)::int AS stated
       FROM conflicts c JOIN held_operations h USING (workspace_id, conflict_id) WHERE conflict_id = $1`,
      [conflictId],
    );
    expect(rows[0]?.stated).toBeGreaterThan((rows[0]?.held ?? 0) / 2);
    expect(rows[0]?.stated).toBeLessThan((rows[0]?.held ?? 0) * 2);
    await system.pool.query("UPDATE conflicts SET operation_bytes = 16777216 WHERE conflict_id = $1", [
      conflictId,
    ]);
    await eventually(async () => expect((await post(client, edit({ d: 1 }))).status).toBe(429));
  });

  it("does not keep a lost round from being found, however busy the device is", async () => {
    const client = await clientWithNote();
    const stale = { device_id: "dev_3", operations: [edit({ a: 3 }, { expected_version: 1 })] };
    await system.syncline.conflicts[0]?.stop();
    await client.post(stale, { prefer: "wait=1" });
    // Like a Redis that lost its data.
    const lost = await system.redis.keys("*:queue:conflict:*");
    await system.redis.del(lost);
    await system.pool.query("UPDATE conflicts SET round_at = round_at - interval '1 hour'");
    const busy = { device_id: "dev_3", operations: [edit({ c: 3 })] };
    await client.post(busy, { prefer: "wait=1" });
    const { rows } = await system.pool.query<{ quiet: boolean }>(
      "SELECT round_at < now() - interval '30 minutes' AS quiet FROM conflicts WHERE workspace_id = $1",
      [client.workspaceId],
    );
    expect(rows).toEqual([{ quiet: true }]);
    await system.syncline.conflicts[0]?.start();
    await eventually(async () => expect(await noteOf(client)).toEqual({ a: 3, b: 2, c: 3 }));
  });
});

describe("a conflict in a group", () => {
  it("is merged at once if the batch names a strategy, and recorded", async () => {
    const client = await clientWithNote();
    const put = { operation: "put", client_id: "put", document_id: "other", data: {} };
    const { status, body } = await client.post({
      device_id: "dev_3",
      atomic: true,
      on_conflict: "merge",
      operations: [put, edit({ a: 7, b: 7 }, { expected_version: 1 })],
    });
    expect(status).toBe(200);
    expect(body.results).toMatchObject([
      { status: "success", version: 1 },
      { status: "success", version: 3, merged: true, rounds: 0, overlaps: 1 },
    ]);
    expect(await noteOf(client)).toEqual({ a: 7, b: 7 });
    const record = await client.get(`/conflicts/${body.results[1]?.conflict_id}`);
    expect(record.body).toMatchObject({
      status: "resolved",
      overlaps: [{ path: "/b", ancestor: 1, remote: 2, local: 7, chosen: "local" }],
    });
  });

  it("is merged from the history, however many versions ago", async () => {
    const client = await clientWithNote();
    for (const device_id of ["dev_4", "dev_5", "dev_4"]) {
      await client.post({ device_id, operations: [edit({ [device_id]: true })] });
    }
    const { body } = await client.post({
      device_id: "dev_3",
      atomic: true,
      on_conflict: "merge",
      operations: [
        { operation: "put", client_id: "whole", document_id: "note", data: { a: 1 }, expected_version: 1 },
      ],
    });
    expect(body.results).toMatchObject([{ status: "success", merged: true, overlaps: 1 }]);
    // The operation removed b, which dev_2 had changed: the edit stays.
    expect(await noteOf(client)).toEqual({ a: 1, b: 2, dev_4: true, dev_5: true });
  });
});
