import { randomUUID } from "node:crypto";
import type { JsonObject } from "@syncline/shared/document";
import type { BatchResult } from "@syncline/shared/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { holdWorkspace } from "../support/hold-workspace.ts";
import {
  borrowSystem,
  createClient,
  eventually,
  type Answer,
  type Client,
  type System,
} from "../support/system.ts";

let system: System;
let client: Client;
beforeAll(async () => {
  system = await borrowSystem();
  client = await createClient(system);
});
afterAll(() => system.stop());

type Role = "reader" | "writer" | "admin";

interface Problem {
  type: string;
  detail: string;
  current_version: number;
  conflict_status: string;
}
interface Record {
  status: string;
  version: number;
  ancestor: JsonObject | null;
  remote: JsonObject | null;
  local: JsonObject | null;
  result: JsonObject | null;
  resolved_version: number | null;
  resolved_at: string | null;
  open_ms: number | null;
  trace_id: string | null;
  decisions: { choice: string; subject: string; replaced: JsonObject | null; version: number }[];
}

const NEW = { title: "New", body: "" };
const THEIRS = { title: "Theirs", body: "" };
const MINE = { title: "Mine", body: "Text" };

/** Creates a conflict about `phone`'s change: it and `laptop` have both changed a document's title. */
async function conflicted(
  on_conflict: "manual" | "report" | "merge",
  phone: Client = client,
  device_id = "phone",
): Promise<{ id: string; document_id: string }> {
  const document_id = randomUUID();
  const operation = "put";
  const put = (data: JsonObject, more: object = {}) => [
    { operation, client_id: randomUUID(), document_id, data, ...more },
  ];
  await client.post({ device_id: "laptop", operations: put(NEW) });
  await client.post({ device_id: "desktop", operations: put(THEIRS) });
  const { body } = await phone.post({
    device_id,
    on_conflict,
    operations: put(MINE, { expected_version: 1 }),
  });
  const [result] = body.results;
  const id = result?.conflict_id ?? result?.conflict_data?.conflict_id;
  if (id === undefined) throw new Error("no conflict was created");
  return { id, document_id };
}

async function resolve<T = BatchResult>(
  id: string,
  body: object,
  as: { role?: Role; subject?: string } = {},
): Promise<Answer<T>> {
  const { role = "admin", subject = "bob" } = as;
  const token = await system.syncline.token({ [client.workspaceId]: role }, { subject });
  const path = `/api/v1/workspaces/${client.workspaceId}/conflicts/${id}/resolve`;
  const response = await fetch(system.syncline.ingestUrl + path, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as T };
}

const readRecord = async (id: string) => (await client.get<Record>(`/conflicts/${id}`)).body;
const readData = async (document_id: string) =>
  (await client.get<{ data?: JsonObject }>(`/documents/documents/${document_id}`)).body.data;

describe("a parked conflict", () => {
  it.each([
    ["server", undefined, THEIRS, 2],
    ["local", undefined, MINE, 3],
    ["merged", undefined, MINE, 3],
    ["data", { title: "Ours" }, { title: "Ours" }, 3],
    ["data", null, undefined, 3],
  ])("is decided with %s %j", async (choice, data, document, version) => {
    const { id, document_id } = await conflicted("manual");
    const { status, body } = await resolve(id, { choice, ...(data !== undefined && { data }) });
    expect([status, body.results]).toMatchObject([200, [{ status: "success", document_id, version }]]);
    expect(await readData(document_id)).toEqual(document);

    const record = await readRecord(id);
    expect(record).toMatchObject({
      status: "resolved",
      resolved_version: version,
      version,
      ancestor: NEW,
      remote: THEIRS,
      local: MINE,
      result: document ?? null,
      resolved_at: expect.stringMatching(/Z$/),
      open_ms: expect.any(Number),
    });
    const replaced = choice === "server" ? null : THEIRS;
    expect(record.decisions).toMatchObject([
      { choice, subject: "bob", replaced, replaced_version: 2, version },
    ]);
  });

  it("shows its subject, and the result of each choice and strategy", async () => {
    const { id } = await conflicted("manual");
    expect(await readRecord(id)).toMatchObject({
      status: "parked",
      version: 2,
      ancestor: NEW,
      remote: THEIRS,
      local: MINE,
      result: MINE,
      overlaps: [{ path: "/title" }],
      decisions: [],
      resolved_at: null,
      open_ms: null,
    });
    const { body } = await client.get(`/conflicts/${id}/preview`);
    expect(body).toMatchObject({
      status: "parked",
      version: 2,
      choices: { server: { document: THEIRS }, local: { document: MINE }, merged: { document: MINE } },
      strategies: {
        merge: { document: MINE, overlaps: [{ path: "/title", chosen: "local" }], reason: null },
        "client-wins": { document: MINE },
        "server-wins": { document: THEIRS },
        "last-write-wins": { document: { title: "Theirs", body: "Text" } },
        manual: { reason: expect.stringContaining("a person") },
      },
    });
  });

  it("covers its device's later operations, whose results then show the decision", async () => {
    const { id, document_id } = await conflicted("manual");
    const late = {
      device_id: "phone",
      operations: [
        { operation: "update", client_id: randomUUID(), document_id, data: { tag: 1 }, expected_version: 1 },
      ],
    };
    expect((await client.post(late)).body.results).toMatchObject([{ status: "conflict" }]);
    await resolve(id, { choice: "local" });
    expect(await readData(document_id)).toEqual({ ...MINE, tag: 1 });
    expect((await client.post(late)).body.results).toMatchObject([
      { status: "success", merged: true, version: 3, replayed: true, conflict_id: id },
    ]);
  });

  it("is decided by one of two people, and the other gets the current document", async () => {
    const { id } = await conflicted("manual");
    // Both are accepted before either is committed.
    const release = await holdWorkspace(system, client.workspaceId);
    const answers = Promise.all(
      ["bob", "carol"].map((subject) =>
        resolve<BatchResult & Problem>(id, { choice: "server" }, { subject }),
      ),
    );
    try {
      await eventually(async () => expect(await system.entriesOnLanes()).toBe(2));
    } finally {
      await release();
    }
    const [won, lost] = (await answers).toSorted((a, b) => a.status - b.status);
    expect([won?.status, lost?.status]).toEqual([200, 409]);
    expect(lost?.body).toMatchObject({
      type: "urn:syncline:problem:decision-outdated",
      current_version: 2,
      conflict_status: "resolved",
    });
    expect((await readRecord(id)).decisions).toHaveLength(1);
  });

  it("is not decided on an outdated version", async () => {
    const { id, document_id } = await conflicted("manual");
    const newer = { operation: "put", client_id: randomUUID(), document_id, data: { title: "Newer" } };
    await client.post({ device_id: "laptop", operations: [newer] });
    const { status, body } = await resolve<Problem>(id, { choice: "local", expected_version: 2 });
    expect(status).toBe(409);
    expect(body).toMatchObject({
      type: "urn:syncline:problem:decision-outdated",
      detail: expect.stringContaining("version 2"),
      current_version: 3,
      conflict_status: "parked",
    });
    expect(await readData(document_id)).toEqual({ title: "Newer" });
    expect((await resolve(id, { choice: "local", expected_version: 3 })).status).toBe(200);
    expect(await readData(document_id)).toEqual(MINE);
  });
});

describe("a resolved conflict", () => {
  it("by report is resolved by a person", async () => {
    const { id, document_id } = await conflicted("report");
    expect((await resolve(id, { choice: "merged" })).status).toBe(200);
    expect(await readData(document_id)).toEqual(MINE);
    expect(await readRecord(id)).toMatchObject({ status: "resolved", resolved_version: 3, local: MINE });
  });

  it("by a merge is reopened to restore the losing value, also once the history is gone", async () => {
    const { id, document_id } = await conflicted("merge");
    expect(await readRecord(id)).toMatchObject({
      status: "resolved",
      ancestor: NEW,
      remote: THEIRS,
      local: MINE,
    });
    await system.pool.query("DELETE FROM changes WHERE workspace_id = $1 AND document_id = $2", [
      client.workspaceId,
      document_id,
    ]);
    expect((await resolve(id, { choice: "server" })).status).toBe(200);
    expect(await readData(document_id)).toEqual(THEIRS);
    const edit = { operation: "update", client_id: randomUUID(), document_id, data: { tag: 1 } };
    await client.post({ device_id: "laptop", operations: [edit] });
    // Later changes stay, and the device's values are back.
    expect((await resolve(id, { choice: "merged" })).status).toBe(200);
    expect(await readData(document_id)).toEqual({ ...MINE, tag: 1 });
    const record = await readRecord(id);
    expect(record).toMatchObject({ resolved_version: 3, remote: THEIRS, version: 6 });
    expect(record.decisions).toMatchObject([
      { choice: "server", replaced: MINE, version: 4 },
      { choice: "merged", replaced: { ...THEIRS, tag: 1 }, version: 6 },
    ]);
  });
});

describe("a conflict resolved before records kept the server's side", () => {
  it("is not reopened with an unknown side, and so deletes nothing", async () => {
    const { id, document_id } = await conflicted("merge");
    await system.pool.query(
      `UPDATE conflicts SET ancestor_view = NULL, remote_view = NULL, views_kept = false
       WHERE workspace_id = $1 AND conflict_id = $2`,
      [client.workspaceId, id],
    );
    const refused = await resolve<Problem & { field: string }>(id, { choice: "server" });
    expect([refused.status, refused.body.field]).toEqual([422, "/choice"]);
    expect(refused.body.detail).toContain("Decide with local, merged or data");
    expect(await readData(document_id)).toEqual(MINE);
    const { body } = await client.get(`/conflicts/${id}/preview`);
    expect(body).toMatchObject({ choices: { server: null, local: { document: MINE } } });
    expect((await resolve(id, { choice: "data", data: THEIRS })).status).toBe(200);
    expect((await resolve(id, { choice: "local" })).status).toBe(200);
    expect(await readData(document_id)).toEqual(MINE);
  });
});

describe("a decision", () => {
  it("that is sent again under its key has no second effect, and the same answer", async () => {
    const { id, document_id } = await conflicted("manual");
    const decision = {
      choice: "data",
      data: { title: "Ours" },
      expected_version: 2,
      client_id: randomUUID(),
    };
    const first = await resolve(id, decision);
    const again = await resolve(id, decision);
    expect(again.status).toBe(200);
    expect(again.body.results).toEqual(first.body.results.map((result) => ({ ...result, replayed: true })));
    expect(await readRecord(id)).toMatchObject({ version: 3, decisions: [{ choice: "data" }] });
    const other = await resolve(id, { ...decision, data: { title: "Other" } });
    expect(other.body.results).toMatchObject([{ status: "error", error_type: "client_id_reused" }]);
    expect(await readData(document_id)).toEqual({ title: "Ours" });
  });

  it("has a life, and shows in the workspace's events", async () => {
    const { id } = await conflicted("manual");
    const token = await system.syncline.token({ [client.workspaceId]: "reader" });
    const controller = new AbortController();
    const response = await fetch(
      `${system.syncline.ingestUrl}/api/v1/workspaces/${client.workspaceId}/changes/events`,
      { headers: { authorization: `Bearer ${token}` }, signal: controller.signal },
    );
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    await resolve(id, { choice: "local", client_id: "decided" });
    let text = "";
    while (!text.split("\n\n").some((event) => event.includes("event: conflict") && event.includes(id))) {
      const chunk = await reader?.read();
      if (chunk === undefined || chunk.done) throw new Error("the stream ended without the event");
      text += chunk.value;
    }
    controller.abort();
    expect(text).toContain(`"status":"resolved"`);

    const life = await client.get("/operations/decided?device_id=subject%3Abob");
    expect(life.body).toMatchObject({
      status: "success",
      subject: "bob",
      operation: "put",
      held_behind: null,
      conflict: { conflict_id: id, status: "resolved" },
    });
  });

  it.each([
    [{ choice: "mine" }, "/choice"],
    [{ choice: "data" }, "/data"],
    [{ choice: "local", data: {} }, "/data"],
    [{ choice: "data", data: [] }, "/data"],
    [{ choice: "data", data: { id: "another" } }, "/data/id"],
    [{ choice: "local", version: 1 }, "/version"],
  ])("that is not well-formed is refused: %j", async (body, field) => {
    const { id } = await conflicted("manual");
    const answer = await resolve<{ type: string; field: string }>(id, body);
    expect([answer.status, answer.body.field]).toEqual([422, field]);
    expect(await readRecord(id)).toMatchObject({ status: "parked", decisions: [] });
  });

  it("on an unknown conflict is 404", async () => {
    expect((await resolve(randomUUID(), { choice: "local" })).status).toBe(404);
    expect((await resolve("nonsense", { choice: "local" })).status).toBe(404);
  });

  it("on a conflict that is being merged is 409", async () => {
    const { id } = await conflicted("manual");
    await system.pool.query("UPDATE conflicts SET status = 'open' WHERE conflict_id = $1", [id]);
    const { status, body } = await resolve<Problem>(id, { choice: "local" });
    expect([status, body.conflict_status]).toEqual([409, "open"]);
  });
});

describe("the right to decide", () => {
  it.each<[Role, string, number]>([
    ["reader", "owner", 403],
    ["writer", "owner", 200],
    ["writer", "somebody else", 403],
    ["admin", "somebody else", 200],
  ])("of a %s who is the device's %s is answered %i", async (role, subject, status) => {
    const owner = await createClient(system, { workspaceId: client.workspaceId, subject: "owner" });
    const { id } = await conflicted("manual", owner, "owned");
    expect((await client.get(`/conflicts/${id}`)).status).toBe(200);
    const answer = await resolve<Problem>(id, { choice: "local" }, { role, subject });
    expect(answer.status).toBe(status);
    if (status === 403) {
      // Not `device-taken`: the decision was not sent by the device.
      const type = role === "reader" ? "role-insufficient" : "forbidden";
      expect(answer.body.type).toBe(`urn:syncline:problem:${type}`);
    }
    expect((await readRecord(id)).status).toBe(status === 200 ? "resolved" : "parked");
  });

  it("does not depend on a token of another workspace", async () => {
    const { id } = await conflicted("manual");
    const elsewhere = await createClient(system);
    expect((await elsewhere.get(`/conflicts/${id}`)).status).toBe(404);
    expect((await elsewhere.get(`/conflicts/${id}/preview`)).status).toBe(404);
  });
});

describe("the list of conflicts", () => {
  it("is filtered by a record's fields", async () => {
    const own = await createClient(system);
    const put = (client_id: string, collection: string, more: object = {}) => ({
      operation: "put",
      client_id,
      collection,
      document_id: "d",
      data: { by: client_id },
      ...more,
    });
    for (const collection of ["notes", "tasks"]) {
      await own.post({ device_id: "one", operations: [put(`${collection}1`, collection)] });
      await own.post({ device_id: "two", operations: [put(`${collection}2`, collection)] });
      for (const device_id of ["three", "four"]) {
        const operation = put(`${collection}-${device_id}`, collection, { expected_version: 1 });
        await own.post({ device_id, on_conflict: "report", operations: [operation] });
      }
    }
    const list = async (query: string) => {
      const { status, body } = await own.get<{ conflicts: { collection: string; device_id: string }[] }>(
        `/conflicts?${query}`,
      );
      return [status, body.conflicts?.map((one) => `${one.collection} ${one.device_id}`)];
    };
    expect(await list("")).toEqual([200, ["tasks four", "tasks three", "notes four", "notes three"]]);
    expect(await list("collection=notes")).toEqual([200, ["notes four", "notes three"]]);
    expect(await list("device_id=three&status=reported")).toEqual([200, ["tasks three", "notes three"]]);
    expect(await list("device_id=three&limit=1")).toEqual([200, ["tasks three"]]);
    expect(await list("document_id=other")).toEqual([200, []]);
    expect(await list("status=parked")).toEqual([200, []]);
    expect(await list(`since=${new Date().toISOString()}`)).toEqual([200, []]);
    expect(await list("until=2020-01-01T00:00:00Z")).toEqual([200, []]);
    expect(await list("since=yesterday")).toEqual([422, undefined]);
    expect(await list("before=tasks")).toEqual([422, undefined]);
    expect(await list("limit=501")).toEqual([422, undefined]);

    interface Page {
      conflicts: { conflict_id: string; collection: string; device_id: string; opened_at: string }[];
      next: string | null;
      more: boolean;
    }
    const pages: Page[] = [];
    for (let before = ""; pages.at(-1)?.more !== false; before = `&before=${pages.at(-1)?.next}`) {
      pages.push((await own.get<Page>(`/conflicts?device_id=four&limit=1${before}`)).body);
    }
    expect(pages.map(({ conflicts: [one], more }) => [one?.collection, one?.device_id, more])).toEqual([
      ["tasks", "four", true],
      ["notes", "four", false],
    ]);
    // From the time of opening on, and before it.
    const opened = pages[0]?.conflicts[0]?.opened_at;
    expect(await list(`since=${opened}&device_id=four`)).toEqual([200, ["tasks four"]]);
    expect(await list(`until=${opened}&device_id=four`)).toEqual([200, ["notes four"]]);
  });
});
