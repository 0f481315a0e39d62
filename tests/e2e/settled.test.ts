import { randomUUID } from "node:crypto";
import type { JsonObject } from "@syncline/shared/document";
import type { BatchResult, ChangesBody, OperationResult } from "@syncline/shared/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { borrowSystem, createClient, eventually, type Client, type System } from "../support/system.ts";

let system: System;
beforeAll(async () => {
  system = await borrowSystem();
});
afterAll(() => system.stop());

let client: Client;
beforeEach(async () => {
  client = await createClient(system);
});

type Page = Required<ChangesBody>;

async function read(query: string): Promise<Page> {
  const { status, body } = await client.get<Page>(`/changes?device_id=phone${query}`);
  expect(status).toBe(200);
  return body;
}

/** Sends operations of one device, and returns their results. */
async function send(device_id: string, operations: object[], more: object = {}): Promise<OperationResult[]> {
  return (await client.post({ device_id, operations, ...more })).body.results;
}

const put = (client_id: string, document_id: string, data: JsonObject, more: object = {}) => ({
  operation: "put",
  client_id,
  document_id,
  data,
  ...more,
});

/** Parks a conflict of the phone's operation `mine`, and returns its id. */
async function park(): Promise<string> {
  await send("laptop", [put("one", "doc", { n: 1 })]);
  await send("desktop", [put("two", "doc", { n: 2 })]);
  const mine = put("mine", "doc", { n: 3 }, { expected_version: 1 });
  const [result] = await send("phone", [mine], { on_conflict: "manual" });
  const id = result?.conflict_data?.conflict_id;
  if (id === undefined) throw new Error("no conflict was parked");
  return id;
}

async function decide(conflictId: string, choice: string): Promise<void> {
  const token = await system.syncline.token({ [client.workspaceId]: "admin" }, { subject: "bob" });
  const path = `/api/v1/workspaces/${client.workspaceId}/conflicts/${conflictId}/resolve`;
  const response = await fetch(system.syncline.ingestUrl + path, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ choice }),
  });
  expect([response.status, ((await response.json()) as BatchResult).successful]).toEqual([200, 1]);
}

describe("a reader that names its device", () => {
  it("learns which of its operations a change holds, folded ones included, and of no other device's", async () => {
    await send("laptop", [put("theirs", "doc", { n: 0 })]);
    const mine = await send("phone", [
      put("a", "note", { n: 1 }),
      { operation: "update", client_id: "b", document_id: "note", data: { m: 2 } },
      put("c", "other", {}),
    ]);
    const { changes, settled } = await read("");
    expect(changes.map(({ document_id, client_ids }) => [document_id, client_ids])).toEqual([
      ["doc", []],
      ["note", ["a", "b"]],
      ["other", ["c"]],
    ]);
    expect(settled).toEqual(mine);
  });

  it("learns of outcomes that write no change, and of none twice", async () => {
    await send("phone", [put("a", "note", { n: 1 })]);
    const before = await read("");
    const absent = { operation: "delete", client_id: "absent", document_id: "never" };
    const failing = { operation: "update", client_id: "failing", document_id: "never", data: {} };
    const results = await send("phone", [absent, failing]);
    const after = await read(`&since=${before.next}&settled_since=${before.settled_next}`);
    expect(after.changes).toEqual([]);
    expect(after.settled).toEqual(expect.arrayContaining(results));
    expect(after.settled).toHaveLength(2);
    expect(await read(`&since=${after.next}&settled_since=${after.settled_next}`)).toMatchObject({
      settled: [],
      settled_next: after.settled_next,
      more: false,
    });
    // A reader that has lost its second position reads them again: its seq has not moved.
    const repeated = await read(`&since=${after.next}`);
    expect(repeated.settled.map(({ client_id }) => client_id).sort()).toEqual(["absent", "failing"]);
  });

  it.each(["server", "local"])("learns of a person's decision for the side `%s`", async (choice) => {
    const id = await park();
    const parked = await read("");
    expect(parked.settled).toMatchObject([{ client_id: "mine", status: "conflict" }]);
    await decide(id, choice);
    const decided = await read(`&since=${parked.next}&settled_since=${parked.settled_next}`);
    expect(decided.settled).toMatchObject([
      { client_id: "mine", status: "success", decided: choice, data: { n: choice === "server" ? 2 : 3 } },
    ]);
    expect(decided.changes.map(({ client_ids }) => client_ids)).toEqual(choice === "local" ? [["mine"]] : []);
  });

  it("is answered while it waits, also by a decision that writes no change", async () => {
    const id = await park();
    const parked = await read("");
    const waiting = read(`&since=${parked.next}&settled_since=${parked.settled_next}&wait=30`);
    await decide(id, "server");
    expect(await waiting).toMatchObject({ changes: [], settled: [{ client_id: "mine", decided: "server" }] });
  });

  it("learns of a merge, with the change that holds it", async () => {
    await send("laptop", [put("one", "doc", { title: "", body: "" })]);
    await send("desktop", [put("two", "doc", { title: "Theirs", body: "" })]);
    const before = await read("");
    const update = { operation: "update", document_id: "doc", data: { body: "Mine" }, expected_version: 1 };
    const [result] = await send("phone", [{ ...update, client_id: "mine" }]);
    expect(result).toMatchObject({ merged: true });
    const { changes, settled } = await read(`&since=${before.next}&settled_since=${before.settled_next}`);
    expect(changes).toMatchObject([{ seq: result?.seq, client_ids: ["mine"] }]);
    expect(settled).toEqual([result]);
  });

  it("learns of an operation that an admin replayed", async () => {
    await send("phone", [{ operation: "update", client_id: "late", document_id: "doc", data: { n: 2 } }]);
    await send("laptop", [put("first", "doc", { n: 1 })]);
    const before = await read("");
    expect(before.settled).toMatchObject([{ client_id: "late", status: "error" }]);
    const token = await system.syncline.token({ [client.workspaceId]: "admin" });
    const path = `/api/v1/workspaces/${client.workspaceId}/operations/late/replay?device_id=phone`;
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(system.syncline.ingestUrl + path, { method: "POST", headers })).status).toBe(200);
    const { changes, settled } = await read(`&since=${before.next}&settled_since=${before.settled_next}`);
    expect(changes).toMatchObject([{ document_id: "doc", client_ids: ["late"] }]);
    expect(settled).toMatchObject([{ client_id: "late", status: "success", version: 2 }]);
  });

  it("gets every outcome once over pages that end inside a commit", async () => {
    const operations = Array.from({ length: 20 }, (_, n) => put(`op_${n}`, `doc_${n}`, {}));
    await send("phone", operations);
    const seen: string[] = [];
    const held: string[] = [];
    for (let [since, from, more] = [0, "", true]; more;) {
      const page = await read(`&limit=3&since=${since}${from}`);
      seen.push(...page.settled.map(({ client_id }) => client_id));
      held.push(...page.changes.flatMap(({ client_ids }) => client_ids ?? []));
      [since, from, more] = [page.next, `&settled_since=${page.settled_next}`, page.more];
    }
    const all = operations.map(({ client_id }) => client_id).sort();
    expect(seen.sort()).toEqual(all);
    expect(held.sort()).toEqual(all);
    // Without its second position, a reader inside a commit gets that commit's outcomes again.
    const { settled } = await read("&since=3&limit=1");
    expect(settled).toHaveLength(20);
  });

  it("gets no field of it if it names none, 422 for a position of no device, and 410 for one that is not there yet", async () => {
    await send("phone", [put("a", "note", { n: 1 })]);
    const { body } = await client.get<ChangesBody>("/changes");
    expect(Object.keys(body)).toEqual(["epoch", "changes", "next", "more"]);
    expect(body.changes[0]).not.toHaveProperty("client_ids");
    const refused = await client.get("/changes?settled_since=1");
    expect([refused.status, refused.body]).toMatchObject([422, { field: "/settled_since" }]);
    const ahead = await client.get("/changes?device_id=phone&settled_since=99");
    expect([ahead.status, ahead.body]).toMatchObject([410, { type: "urn:syncline:problem:cursor-ahead" }]);
  });
});

describe("an event stream that names its device", () => {
  interface Stream {
    events: { event: string; data: OperationResult & { client_ids?: string[] } }[];
    lastId: () => string | undefined;
    leave: () => Promise<void>;
  }

  async function follow(query: string, lastEventId?: string): Promise<Stream> {
    const token = await system.syncline.token({ [client.workspaceId]: "reader" });
    const leaving = new AbortController();
    const path = `/api/v1/workspaces/${client.workspaceId}/changes/events?device_id=phone${query}`;
    const response = await fetch(system.syncline.ingestUrl + path, {
      headers: {
        authorization: `Bearer ${token}`,
        ...(lastEventId !== undefined && { "last-event-id": lastEventId }),
      },
      signal: leaving.signal,
    });
    expect(response.status).toBe(200);
    const events: Stream["events"] = [];
    let lastId: string | undefined;
    const receive = async () => {
      let text = "";
      for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const parts = (text + chunk).split("\n\n");
        text = parts.pop() ?? "";
        for (const part of parts) {
          lastId = /^id: (.*)$/m.exec(part)?.[1] ?? lastId;
          const [, event = "", data = ""] = /^event: (.*)\n(?:id: .*\n)?data: (.*)$/m.exec(part) ?? [];
          if (data !== "") events.push({ event, data: JSON.parse(data) as Stream["events"][0]["data"] });
        }
      }
    };
    const ended = receive().catch((error: unknown) => {
      if (!leaving.signal.aborted) throw error;
    });
    return {
      events,
      lastId: () => lastId,
      leave: () => {
        leaving.abort();
        return ended;
      },
    };
  }

  const settledIn = ({ events }: Stream) =>
    events.flatMap(({ event, data }) => (event === "settled" ? [data.client_id] : []));

  it("gets its outcomes before the changes, and those that it missed when it comes back", async () => {
    await send("phone", [put("a", "note", { n: 1 })]);
    const stream = await follow("&since=0");
    await eventually(async () =>
      expect(stream.events.map(({ event }) => event)).toEqual(["settled", "change"]),
    );
    expect(stream.events[1]?.data.client_ids).toEqual(["a"]);
    const id = await park();
    await eventually(async () => expect(settledIn(stream)).toEqual(["a", "mine"]));
    await eventually(async () =>
      expect(stream.events.filter(({ event }) => event === "conflict").length).toBeGreaterThan(0),
    );
    const lastId = stream.lastId();
    await stream.leave();

    await decide(id, "server");
    const resumed = await follow("&since=0", lastId);
    await eventually(async () => expect(settledIn(resumed)).toEqual(["mine"]));
    await resumed.leave();
  });

  it("begins behind `settled_since`", async () => {
    await send("phone", [put("a", "note", { n: 1 })]);
    const { next, settled_next } = await read("");
    const failing = { operation: "update", client_id: randomUUID(), document_id: "never", data: {} };
    await send("phone", [failing]);
    const stream = await follow(`&since=${next}&settled_since=${settled_next}`);
    await eventually(async () => expect(settledIn(stream)).toEqual([failing.client_id]));
    await stream.leave();
  });
});
