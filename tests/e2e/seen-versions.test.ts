// Clients name the version that the user was looking at. So a result with a version that contains others' edits also
// carries its document.
import { randomUUID } from "node:crypto";
import type { JsonObject } from "@syncline/shared/document";
import type { BatchResult, OperationResult } from "@syncline/shared/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCheckAnswer, type CheckAnswer } from "../fuzz/check-answer.ts";
import type { ApiDocument } from "../fuzz/requests.ts";
import { borrowSystem, createClient, type Answer, type Client, type System } from "../support/system.ts";

let system: System;
let client: Client;
let check: CheckAnswer;
beforeAll(async () => {
  system = await borrowSystem();
  client = await createClient(system);
  const answer = await fetch(`${system.syncline.ingestUrl}/openapi.json`);
  check = createCheckAnswer((await answer.json()) as ApiDocument);
});
afterAll(() => system.stop());

const MINIMAL = { prefer: "return=minimal" };
const OPERATION = "/api/v1/workspaces/{workspaceId}/operations/{clientId}";
const CONFLICT = "/api/v1/workspaces/{workspaceId}/conflicts/{conflictId}";

/** Checks an answer against the served document. */
function expectDescribed(route: string, method: string, { status, headers, body }: Answer<unknown>): void {
  const request = { service: "ingest", route, method, path: route, headers: {}, body: undefined } as const;
  const answer = { status, headers: Object.fromEntries(headers), text: JSON.stringify(body), durationMs: 0 };
  expect(check(request, answer)).toBeUndefined();
}

/** A device that writes one document. */
function deviceOn(document_id: string, device_id: string, by: Client = client) {
  return async (operation: object, more: object = {}, headers: Record<string, string> = {}) => {
    const sent = { client_id: randomUUID(), document_id, ...operation };
    const answer = await by.post({ device_id, ...more, operations: [sent] }, headers);
    expectDescribed("/api/v1/documents/batch", "POST", answer);
    const [result] = answer.body.results;
    if (result === undefined) throw new Error("A batch was answered without a result");
    return { ...answer, sent, result };
  };
}

const put = (data: JsonObject, expected_version?: number) => ({
  operation: "put",
  data,
  ...(expected_version !== undefined && { expected_version }),
});

/** Lets `x` and `y` change a document: `x`'s result is merged. */
async function merge(more: JsonObject = {}, headers: Record<string, string> = {}) {
  const document_id = randomUUID();
  const [x, y] = [deviceOn(document_id, "x"), deviceOn(document_id, "y")];
  await x(put({ a: 1, b: 1, ...more }));
  await y({ operation: "update", data: { b: 2 }, expected_version: 1 });
  return { document_id, x, y, merged: await x(put({ a: 5, b: 1, ...more }, 1), {}, headers) };
}

const readDocument = async (document_id: string) =>
  (await client.get<{ version: number; data: JsonObject }>(`/documents/documents/${document_id}`)).body;

describe("version 0 behind the device's own create", () => {
  const theirs = { operation: "update", data: { title: "Theirs", list: ["a", "b", "c"] } };
  const base = { title: "New", n: 1, list: ["a", "b"] };

  async function behindCreate(): Promise<{ document_id: string; x: ReturnType<typeof deviceOn> }> {
    const document_id = randomUUID();
    const [x, y] = [deviceOn(document_id, "x"), deviceOn(document_id, "y")];
    await x({ operation: "create", data: base });
    await x({ operation: "update", data: { n: 2 }, expected_version: 0 });
    await y(theirs);
    return { document_id, x };
  }

  it.each(["merge", "last-write-wins", "manual"])("is its own document, by `%s`", async (on_conflict) => {
    const { document_id, x } = await behindCreate();
    const { result } = await x(put({ ...base, n: 3 }, 0), { on_conflict });
    expect(result).toMatchObject({ status: "success", merged: true, overlaps: 0 });
    expect(await readDocument(document_id)).toMatchObject({ data: { ...theirs.data, n: 3 } });
  });

  it("is its own document in a group, too", async () => {
    const { document_id, x } = await behindCreate();
    const { result } = await x(put({ ...base, n: 3 }, 0), { atomic: true, on_conflict: "merge" });
    expect(result).toMatchObject({ status: "success", merged: true, overlaps: 0 });
    expect(await readDocument(document_id)).toMatchObject({ data: { ...theirs.data, n: 3 } });
  });

  it("is no document of another device", async () => {
    const { document_id } = await behindCreate();
    const { result } = await deviceOn(document_id, "z")(put({ title: "Mine" }, 0), { on_conflict: "manual" });
    expect(result).toMatchObject({ status: "conflict", error_type: "parked" });
    const { body } = await client.get<{ ancestor: JsonObject }>(
      `/conflicts/${result.conflict_data?.conflict_id}`,
    );
    expect(body.ancestor).toEqual({});
  });

  it("is the deleted document, if others have deleted it meanwhile", async () => {
    const { document_id, x } = await behindCreate();
    await deviceOn(document_id, "y")({ operation: "delete" });
    await x({ operation: "update", data: { n: 4 }, expected_version: 0 });
    expect(await readDocument(document_id)).toMatchObject({ data: { ...base, n: 4 } });
  });
});

describe("a merged result", () => {
  it("carries the document at its version, so that the device knows its content", async () => {
    const { document_id, x, y, merged } = await merge();
    expect(merged.result).toMatchObject({
      status: "success",
      merged: true,
      version: 3,
      data: { a: 5, b: 2 },
    });
    // An edit of the returned document, naming its version, undoes no change of y's.
    const { data, version = -1 } = merged.result;
    const next = await x(put({ ...data, a: 6 }, version));
    expect(next.result).toStrictEqual({
      client_id: next.sent.client_id,
      status: "success",
      document_id,
      version: 4,
      seq: expect.any(Number) as number,
    });
    expect(await readDocument(document_id)).toMatchObject({ version: 4, data: { a: 6, b: 2 } });
    // If y continues meanwhile, its edit is merged against exactly that document.
    await y({ operation: "update", data: { b: 3 }, expected_version: 3 });
    const last = await x(put({ a: 7, b: 2 }, 4));
    expect(last.result).toMatchObject({ merged: true, version: 6, data: { a: 7, b: 3 } });
  });

  it("may be ignored: an edit of the earlier view names the earlier version", async () => {
    const { document_id, x } = await merge();
    const { result } = await x(put({ a: 6, b: 1 }, 1));
    expect(result).toMatchObject({ merged: true, data: { a: 6, b: 2 } });
    expect(await readDocument(document_id)).toMatchObject({ data: { a: 6, b: 2 } });
  });

  it("has the same version and document in every answer, also after later changes of the document", async () => {
    const { x, y, merged } = await merge();
    await y({ operation: "update", data: { b: 9 } });
    const { client_id } = merged.sent;
    const shown = { ...merged.result };
    expect(shown).toMatchObject({ version: 3, data: { a: 5, b: 2 } });

    const again = await x(merged.sent);
    expect(again.result).toStrictEqual({ ...shown, replayed: true });
    const batch = await client.getAbsolute<BatchResult>(`/api/v1/batches/${merged.body.batch_id}`);
    expect(batch.body.results).toStrictEqual([shown]);
    expectDescribed("/api/v1/batches/{batchId}", "GET", batch);
    const life = await client.get<{ result: OperationResult }>(`/operations/${client_id}?device_id=x`);
    expect(life.body.result).toStrictEqual(shown);
    expectDescribed(OPERATION, "GET", life);
    expect(await eventsOf(merged.body.batch_id)).toContain(JSON.stringify(shown));
  });

  it("names no version if the client wants no document, and says so", async () => {
    const { x, merged } = await merge({}, MINIMAL);
    const { client_id } = merged.sent;
    const expectMinimal = (result: OperationResult | undefined, { headers }: { headers: Headers }) => {
      expect(result).toMatchObject({ status: "success", merged: true, read_again: true });
      for (const field of ["version", "data"]) expect(result).not.toHaveProperty(field);
      expect(headers.get("preference-applied")).toContain("return=minimal");
    };
    expectMinimal(merged.result, merged);
    const again = await x(merged.sent, {}, MINIMAL);
    expectMinimal(again.result, again);
    const batchPath = `/api/v1/batches/${merged.body.batch_id}`;
    const batch = await client.getAbsolute<BatchResult>(batchPath, MINIMAL);
    expectMinimal(batch.body.results[0], batch);
    expectDescribed("/api/v1/batches/{batchId}", "GET", batch);
    const path = `/operations/${client_id}?device_id=x`;
    const life = await client.get<{ result: OperationResult }>(path, MINIMAL);
    expectMinimal(life.body.result, life);
    expectDescribed(OPERATION, "GET", life);
    expect(await eventsOf(merged.body.batch_id, MINIMAL)).toContain('"read_again":true');
    // The version can still be read.
    expect((await client.getAbsolute<BatchResult>(batchPath)).body.results).toMatchObject([{ version: 3 }]);
    // Other results are unchanged, and waiting can be combined with it.
    const plain = await x({ operation: "update", data: { c: 1 } }, {}, { prefer: "wait=20, return=minimal" });
    expect(plain.result).toMatchObject({ status: "success", version: 4 });
  });

  it("carries no document of more than 64 KiB, or that the history no longer has", async () => {
    const small = await merge({ t: "x".repeat(60_000) });
    expect(small.merged.result).toMatchObject({ version: 3, data: { a: 5, b: 2 } });
    const values = await merge({ t: Array.from({ length: 30_000 }, () => 1) });
    expect(values.merged.result).toMatchObject({ version: 3, data: { a: 5, b: 2 } });
    const large = await merge({ t: "x".repeat(70_000) });
    expect(large.merged.result).toMatchObject({ merged: true, read_again: true });
    expect(large.merged.result).not.toHaveProperty("version");

    await small.y({ operation: "update", data: { b: 9 } });
    await system.pool.query(
      "DELETE FROM changes WHERE workspace_id = $1 AND document_id = $2 AND version = 3",
      [client.workspaceId, small.document_id],
    );
    const again = await small.x(small.merged.sent);
    expect(again.result).toMatchObject({ merged: true, replayed: true, read_again: true });
    expect(again.result).not.toHaveProperty("version");
  });

  it("of a whole merged run is the run's, under each version that it made", async () => {
    const document_id = randomUUID();
    const [x, y] = [deviceOn(document_id, "x"), deviceOn(document_id, "y")];
    await x(put({ a: 1, b: 1 }));
    await y({ operation: "update", data: { b: 2 }, expected_version: 1 });
    await system.syncline.conflict.stop();
    const first = x(put({ a: 5, b: 1 }, 1));
    const second = first.then(
      () => undefined,
      () => undefined,
    );
    const held = await x(
      { operation: "update", data: { c: 1 }, expected_version: 1 },
      {},
      { prefer: "wait=0" },
    );
    expect(held.status).toBe(202);
    await system.syncline.conflict.start();
    await second;
    const results = [(await first).result, (await x(held.sent)).result];
    const byVersion = results.toSorted((one, other) => (one.version ?? 0) - (other.version ?? 0));
    expect(byVersion).toMatchObject([
      { merged: true, version: 3, data: { a: 5, b: 2, c: 1 } },
      { merged: true, version: 4, data: { a: 5, b: 2, c: 1 } },
    ]);
    // The next edit is merged against that document, whichever of the versions it names.
    await y({ operation: "update", data: { b: 3 }, expected_version: 4 });
    const next = await x(put({ a: 6, b: 2, c: 1 }, 3));
    expect(next.result).toMatchObject({ merged: true, data: { a: 6, b: 3, c: 1 } });
  });

  it("comes with a failed atomic batch, too, if it was sent before", async () => {
    const { document_id, x, merged } = await merge();
    const failing = { operation: "update", client_id: randomUUID(), document_id: "never", data: {} };
    const { status, body } = await client.post({
      device_id: "x",
      atomic: true,
      operations: [merged.sent, failing],
    });
    expect([status, body.results]).toMatchObject([
      409,
      [{ replayed: true, merged: true, version: 3, data: { a: 5, b: 2 } }, { status: "error" }],
    ]);
    // A group that merges at once carries its result.
    await deviceOn(document_id, "y")({ operation: "update", data: { b: 4 } });
    const grouped = await x(put({ a: 8, b: 2 }, 3), { atomic: true, on_conflict: "merge" });
    expect(grouped.result).toMatchObject({ merged: true, rounds: 0, version: 5, data: { a: 8, b: 4 } });
  });

  it("of a deleted document is null", async () => {
    const document_id = randomUUID();
    const x = deviceOn(document_id, "x");
    const never = await x(put({ a: 1 }, 5), { on_conflict: "server-wins" });
    expect(never.result).toMatchObject({ merged: true, version: 0, data: null });
    await x(put({ a: 1 }));
    await deviceOn(document_id, "y")({ operation: "delete" });
    const deleted = await x(put({ a: 2 }, 1), { on_conflict: "server-wins" });
    expect(deleted.result).toMatchObject({ merged: true, version: 2, data: null });
  });
});

async function eventsOf(batchId: string, headers: Record<string, string> = {}): Promise<string> {
  const token = await system.syncline.token({ [client.workspaceId]: "reader" });
  const answer = await fetch(`${system.syncline.ingestUrl}/api/v1/batches/${batchId}/events`, {
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
  return answer.text();
}

describe("a result that a person's decision completed", () => {
  /** Parks two edits of `x` against y's. */
  async function park() {
    const document_id = randomUUID();
    const [x, y] = [deviceOn(document_id, "x"), deviceOn(document_id, "y")];
    await x(put({ t: "new" }));
    await y(put({ t: "theirs" }, 1));
    const held = [
      await x(put({ t: "mine" }, 1), { on_conflict: "manual" }),
      await x({ operation: "update", data: { u: 1 }, expected_version: 1 }, { on_conflict: "manual" }),
    ];
    expect(held.map(({ result }) => result.status)).toEqual(["conflict", "conflict"]);
    return { document_id, x, held, conflictId: held[0]?.result.conflict_data?.conflict_id ?? "" };
  }

  it.each([
    ["server", {}, { t: "theirs" }, 2],
    ["local", {}, { t: "mine", u: 1 }, 3],
    ["merged", {}, { t: "mine", u: 1 }, 3],
    ["data", { data: { t: "ours" } }, { t: "ours" }, 3],
    ["data", { data: null }, null, 3],
  ])("with %s %j says so, and carries the document", async (choice, more, data, version) => {
    const { x, held, conflictId } = await park();
    const client_id = randomUUID();
    const decision = await client.resolve(conflictId, { choice, client_id, ...more });
    const decided = { status: "success", decided: choice, conflict_id: conflictId, version, data };
    expect([decision.status, decision.body.results]).toMatchObject([200, [decided]]);
    expectDescribed(`${CONFLICT}/resolve`, "POST", decision);
    const again = await client.resolve(conflictId, { choice, client_id, ...more });
    expect(again.body.results).toStrictEqual([{ ...decision.body.results[0], replayed: true }]);

    for (const { sent } of held) {
      const { result } = await x(sent);
      expect(result).toMatchObject({ ...decided, merged: true, replayed: true });
      const path = `/operations/${sent.client_id}?device_id=x`;
      const life = await client.get<{ result: OperationResult }>(path);
      expect(life.body.result).toMatchObject({ ...decided, merged: true });
      expectDescribed(OPERATION, "GET", life);
    }
    const minimal = await x(held[0]?.sent ?? {}, {}, MINIMAL);
    expect(minimal.result).toMatchObject({ decided: choice, read_again: true });
    expect(minimal.result).not.toHaveProperty("version");
  });

  it("is not given to an operation that was only reported", async () => {
    const document_id = randomUUID();
    const [x, y] = [deviceOn(document_id, "x"), deviceOn(document_id, "y")];
    await x(put({ t: "new" }));
    await y(put({ t: "theirs" }, 1));
    const { result, sent } = await x(put({ t: "mine" }, 1), { on_conflict: "report" });
    await client.resolve(result.conflict_data?.conflict_id ?? "", { choice: "local" });
    expect((await x(sent)).result).toStrictEqual({ ...result, replayed: true });
  });
});

it("a conflict shows its operations as they were sent", async () => {
  const document_id = randomUUID();
  const x = deviceOn(document_id, "x");
  await x(put({ t: "new", n: [1] }));
  await deviceOn(document_id, "y")(put({ t: "theirs", n: [1] }, 1));
  const first = { ...put({ t: "mine", n: [1] }, 1), timestamp: 7, ancestor: { t: "new", n: [1] } };
  const second = { operation: "update", patch: [{ op: "add", path: "/n/-", value: 2 }], expected_version: 1 };
  const held = [await x(first, { on_conflict: "manual" }), await x(second), await x({ operation: "delete" })];
  const conflictId = held[0]?.result.conflict_data?.conflict_id ?? "";
  const shown = await client.get<{ operations: object[] }>(`/conflicts/${conflictId}`);
  expect(shown.body.operations).toStrictEqual(
    held.map(({ sent, body }) => ({ ...sent, collection: "documents", batch_id: body.batch_id })),
  );
  expectDescribed(CONFLICT, "GET", shown);
  const preview = await client.get(`/conflicts/${conflictId}/preview`);
  expectDescribed(`${CONFLICT}/preview`, "GET", preview);
});
