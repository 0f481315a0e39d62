import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { createClient, eventually, startSystem, type Client, type System } from "../support/system.ts";

interface Received {
  event: string;
  id: string | undefined;
  data: { workspace_id: string; document_id?: string; seq?: number; type?: string; conflict_id?: string };
}

const leaving: (() => void)[] = [];
afterEach(() => leaving.splice(0).forEach((leave) => leave()));

let system: System;
beforeAll(async () => {
  system = await startSystem({ env: { EVENT_STREAMS_MAX: "40" } });
});
afterAll(() => system.stop());

const two = async () => [await createClient(system), await createClient(system)] as const;
const put = (client: Client, documentId: string) =>
  client.post({
    operations: [{ operation: "put", client_id: randomUUID(), document_id: documentId, data: {} }],
  });

/** Opens a stream of several workspaces with a token for them, and collects its events. */
async function follow(workspaceIds: readonly string[], query = "", headers: Record<string, string> = {}) {
  const roles = Object.fromEntries(workspaceIds.map((id) => [id, "reader" as const]));
  const token = await system.syncline.token(roles, { subject: randomUUID() });
  return open(`workspaces=${workspaceIds.join(",")}${query}`, {
    authorization: `Bearer ${token}`,
    ...headers,
  });
}

async function open(query: string, headers: Record<string, string>) {
  const leave = new AbortController();
  leaving.push(() => leave.abort());
  const url = `${system.syncline.ingestUrl}/api/v1/events?${query}`;
  const answer = await fetch(url, { headers, signal: leave.signal });
  const events: Received[] = [];
  const ids: string[] = [];
  if (answer.status !== 200)
    return { status: answer.status, events, ids, problem: await answer.text(), leave };
  void collect(answer, events, ids).catch((error: unknown) => {
    if (!leave.signal.aborted) throw error;
  });
  return { status: answer.status, events, ids, problem: "", leave };
}

async function collect(answer: Response, events: Received[], ids: string[]): Promise<void> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const fieldOf = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
      const [event, id, data] = [fieldOf("event"), fieldOf("id"), fieldOf("data")];
      if (id !== undefined) ids.push(id);
      if (event === undefined || data === undefined) continue;
      events.push({ event, id, data: JSON.parse(data) as Received["data"] });
    }
  }
}

const seen = (events: readonly Received[]) =>
  events.map(({ event, data }) => [event, data.workspace_id, data.document_id ?? data.type]);

async function untilSeen(events: readonly Received[], count: number): Promise<void> {
  await eventually(() => {
    if (events.length < count) throw new Error(`only ${JSON.stringify(seen(events))}`);
    return Promise.resolve();
  });
}

it("streams the changes and conflicts of each workspace, each from its own position", async () => {
  const [one, other] = await two();
  await put(one, "before");
  await put(one, "a");
  await put(other, "b");
  const ids = [one.workspaceId, other.workspaceId];
  const stream = await follow(ids, "&since=1,0");
  await untilSeen(stream.events, 2);
  expect(seen(stream.events)).toEqual([
    ["change", ids[0], "a"],
    ["change", ids[1], "b"],
  ]);
  await put(one, "c");
  await untilSeen(stream.events, 3);
  expect(stream.events.at(-1)).toMatchObject({ event: "change", data: { workspace_id: ids[0], seq: 3 } });
  const create = { operation: "create", client_id: randomUUID(), document_id: "b", data: { x: 1 } };
  await other.post({ device_id: "d", on_conflict: "manual", operations: [create] }, { prefer: "wait=0" });
  await untilSeen(stream.events, 4);
  expect(stream.events.at(-1)).toMatchObject({
    event: "conflict",
    data: { workspace_id: ids[1], document_id: "b" },
  });
});

it("resumes in each workspace after the last event, without loss or duplicates", async () => {
  const [one, other] = await two();
  const ids = [one.workspaceId, other.workspaceId];
  await put(one, "a");
  const first = await follow(ids);
  await untilSeen(first.events, 1);
  await put(other, "b");
  await untilSeen(first.events, 2);
  const id = first.events.at(-1)?.id ?? "";
  first.leave.abort();
  await put(other, "c");
  await put(one, "d");
  const second = await follow(ids, "", { "last-event-id": id });
  await untilSeen(second.events, 2);
  expect(seen(second.events)).toEqual(
    expect.arrayContaining([
      ["change", ids[0], "d"],
      ["change", ids[1], "c"],
    ]),
  );
  const swapped = await follow(ids.toReversed(), "", { "last-event-id": id });
  expect([swapped.status, swapped.problem]).toEqual([
    422,
    expect.stringContaining("Last-Event-ID") as string,
  ]);
});

it("announces a workspace that is lost, at its start or later, and goes on with the others", async () => {
  const [one, other] = await two();
  const ids = [one.workspaceId, other.workspaceId];
  await put(one, "a");
  await put(other, "b");
  const ahead = await follow(ids, "&since=9,0");
  await untilSeen(ahead.events, 2);
  expect(seen(ahead.events)).toEqual([
    ["lost", ids[0], "urn:syncline:problem:cursor-ahead"],
    ["change", ids[1], "b"],
  ]);
  const stream = await follow(ids);
  await untilSeen(stream.events, 2);
  await system.pool.query(
    "UPDATE workspaces SET feed_from = seq + 1, seq = seq + 2, revision = revision + 1 WHERE workspace_id = $1",
    [ids[0]],
  );
  await put(other, "c");
  await untilSeen(stream.events, 4);
  expect(seen(stream.events.slice(2))).toEqual(
    expect.arrayContaining([
      ["lost", ids[0], "urn:syncline:problem:history-gone"],
      ["change", ids[1], "c"],
    ]),
  );
  await put(other, "d");
  await untilSeen(stream.events, 5);
  expect(seen(stream.events).at(-1)).toEqual(["change", ids[1], "d"]);
});

it("needs a role in every workspace", async () => {
  const [one, other] = await two();
  const token = await system.syncline.token({ [one.workspaceId]: "reader" });
  const query = `workspaces=${one.workspaceId},${other.workspaceId}`;
  const refused = await open(query, { authorization: `Bearer ${token}` });
  expect([refused.status, refused.problem]).toEqual([
    403,
    expect.stringContaining("workspace-forbidden") as string,
  ]);
});

it("counts as one stream for each workspace", async () => {
  const ids = Array.from({ length: 24 }, (_, index) => `share-${index}`);
  const roles = Object.fromEntries(ids.map((id) => [id, "reader" as const]));
  const headers = { authorization: `Bearer ${await system.syncline.token(roles)}` };
  const openMany = (from: number, to: number) => open(`workspaces=${ids.slice(from, to).join(",")}`, headers);
  // A subject may have half of the 40. Streams of other tests may end a moment later.
  await expect.poll(async () => (await openMany(0, 12)).status).toBe(200);
  const beyond = await openMany(12, 24);
  expect([beyond.status, beyond.problem]).toEqual([429, expect.stringContaining("share-exceeded") as string]);
  await expect.poll(async () => (await openMany(12, 20)).status).toBe(200);
});

it.each([
  ["", /workspaces/],
  ["workspaces=a,a", /must name each workspace once/],
  [`workspaces=${Array.from({ length: 21 }, (_, index) => index).join(",")}`, /at most 20 workspaces/],
  ["workspaces=a&since=1,2", /since.*one seq for each/],
  ["workspaces=a&since=x", /since.*whole numbers/],
])("rejects the query %j", async (query, reason) => {
  const token = await system.syncline.token({ a: "reader" });
  const refused = await open(query, { authorization: `Bearer ${token}` });
  expect([refused.status, refused.problem]).toEqual([422, expect.stringMatching(reason) as string]);
});
