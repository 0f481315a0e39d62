import { randomUUID } from "node:crypto";
import { request as httpRequest, type ClientRequest } from "node:http";
import type {
  BatchResult,
  ChangeBody,
  ChangesBody,
  DocumentBody,
  HistoryBody,
} from "@syncline/shared/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createClient, eventually, startSystem, type Client, type System } from "../support/system.ts";

interface ReceivedEvent {
  event: string | undefined;
  id: string | undefined;
  data: unknown;
}

/** A conflict's fields in the listing and in its events. */
interface ConflictBody {
  conflict_id: string;
  document_id: string;
  status: string;
  round: number;
  updated_at: string;
}

/** A stream and its received events. */
interface Following {
  status: number;
  headers: Headers;
  text: () => string;
  events: ReceivedEvent[];
  changes: () => ChangeBody[];
  conflicts: () => ConflictBody[];
  /** The last id of the stream, with an event or without one. */
  lastId: () => string | undefined;
  ended: Promise<void>;
  leave: () => Promise<void>;
}

const leaving: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(leaving.splice(0).map((leave) => leave()));
});

async function openEvents(
  system: System,
  path: string,
  token: string,
  headers: Record<string, string> = {},
): Promise<Following> {
  const controller = new AbortController();
  const response = await fetch(system.syncline.ingestUrl + path, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    signal: controller.signal,
  });
  let text = "";
  let read = 0;
  let lastId: string | undefined;
  const events: ReceivedEvent[] = [];
  const receive = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      for (let end = text.indexOf("\n\n", read); end !== -1; end = text.indexOf("\n\n", read)) {
        const fields = new Map(
          text
            .slice(read, end)
            .split("\n")
            .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
        );
        read = end + 2;
        const id = fields.get("id");
        lastId = id ?? lastId;
        const data = fields.get("data");
        if (data !== undefined) events.push({ event: fields.get("event"), id, data: JSON.parse(data) });
      }
    }
  };
  // A reader that closes its own stream gets an error.
  const ended = receive().catch((error: unknown) => {
    if (!controller.signal.aborted) throw error;
  });
  const leave = () => {
    controller.abort();
    return ended;
  };
  leaving.push(leave);
  return {
    status: response.status,
    headers: response.headers,
    text: () => text,
    events,
    changes: () => dataOf(events, "change") as ChangeBody[],
    conflicts: () => dataOf(events, "conflict") as ConflictBody[],
    lastId: () => lastId,
    ended,
    leave,
  };
}

function dataOf(events: readonly ReceivedEvent[], name: string): unknown[] {
  return events.filter(({ event }) => event === name).map(({ data }) => data);
}

async function ownToken(system: System, workspaceId: string, expiresIn?: string): Promise<string> {
  return system.syncline.token({ [workspaceId]: "reader" }, expiresIn === undefined ? {} : { expiresIn });
}

async function follow(
  system: System,
  client: Client,
  query = "",
  headers: Record<string, string> = {},
): Promise<Following> {
  const token = await ownToken(system, client.workspaceId);
  return openEvents(
    system,
    `/api/v1/workspaces/${client.workspaceId}/changes/events${query}`,
    token,
    headers,
  );
}

let operations = 0;
const put = (documentId: string, data: object, more: object = {}) => ({
  operation: "put",
  client_id: `f${++operations}`,
  document_id: documentId,
  data,
  ...more,
});

/** Lets eight devices create, change and delete documents of their own and shared ones. */
async function writeByEight(client: Client, rounds: number): Promise<void> {
  await Promise.all(
    Array.from({ length: 8 }, async (_, writer) => {
      for (let round = 0; round < rounds; round++) {
        const { status, body } = await client.post({
          device_id: `writer_${writer}`,
          operations: [
            put(`own_${writer}_${round % 7}`, { writer, round }),
            put("shared", { writer, round }),
            // Written once, so that no later write hides a missed change.
            put(`once_${operations}`, { writer, round }),
            put(`counted_${writer}`, { round }, { collection: "counters" }),
            ...(round % 5 === 4
              ? [
                  {
                    operation: "delete",
                    client_id: `f${++operations}`,
                    document_id: `own_${writer}_${round % 7}`,
                  },
                ]
              : []),
          ],
        });
        expect(status).toBe(200);
        expect(body.status).toBe("completed");
      }
    }),
  );
}

async function committed(system: System, client: Client): Promise<{ seq: number; document_id: string }[]> {
  const sql = "SELECT seq, document_id, collection FROM changes WHERE workspace_id = $1 ORDER BY seq";
  return (await system.pool.query(sql, [client.workspaceId])).rows;
}

let system: System;
beforeAll(async () => {
  system = await startSystem({ workers: 2, env: { JWT_CLOCK_SKEW_SECONDS: "0" } });
});
afterAll(() => system.stop());

describe("readers that follow eight writers", () => {
  it("each receive every committed change once, in order: by polling, by long polling, and by events", async () => {
    const client = await createClient(system);
    const written = new AbortController();
    const seenBy = async (query: string): Promise<number[]> => {
      const seen: number[] = [];
      for (let since = 0, done = false; !done;) {
        const last = written.signal.aborted;
        const { body } = await client.get<ChangesBody>(`/changes?since=${since}&${query}`);
        seen.push(...body.changes.map(({ seq }) => seq));
        since = body.next;
        done = last && body.changes.length === 0;
      }
      return seen;
    };
    const events = await follow(system, client);
    const resumed: number[] = [];
    let connections = 0;
    let lastId = "0";
    const resume = async () => {
      // A reader whose connection breaks repeatedly.
      for (; !written.signal.aborted; connections++) {
        const part = await follow(system, client, "", { "last-event-id": lastId });
        await eventually(async () => expect(part.events.length > 10 || written.signal.aborted).toBe(true));
        await part.leave();
        lastId = part.events.at(-1)?.id ?? lastId;
        resumed.push(...part.changes().map(({ seq }) => seq));
      }
    };
    const readers = [seenBy("limit=7"), seenBy("wait=1"), seenBy("limit=1000&wait=1")];
    const resuming = resume();
    await writeByEight(client, 40);
    written.abort();
    await resuming;

    const all = (await committed(system, client)).map(({ seq }) => seq);
    expect(all.length).toBeGreaterThan(500);
    expect(all).toEqual(Array.from({ length: all.length }, (_, index) => index + 1));
    for (const seen of await Promise.all(readers)) expect(seen).toEqual(all);
    await eventually(async () => expect(events.changes().map(({ seq }) => seq)).toEqual(all));
    expect(resumed).toEqual(all.slice(0, resumed.length));
    expect(connections).toBeGreaterThan(1);
  });
});

describe("a long poll for changes", () => {
  it("is answered as soon as there is one", async () => {
    const client = await createClient(system);
    for (let n = 0; n < 5; n++) {
      const waiting = client.get<ChangesBody>(`/changes?since=${n}&wait=30`);
      await client.post({ operations: [put("a", { n })] });
      expect((await waiting).body).toMatchObject({ changes: [{ data: { n } }], next: n + 1, more: false });
    }
  });

  it("is answered with an empty page when its time is over, with a cursor behind filtered changes", async () => {
    const client = await createClient(system);
    const waiting = client.get<ChangesBody>("/changes?wait=1&collections=players");
    await client.post({ operations: [put("a", {}), put("b", {})] });
    expect((await waiting).body).toMatchObject({ changes: [], next: 2, more: false });
  });

  it("is refused beyond 30 seconds", async () => {
    const client = await createClient(system);
    const answer = await client.get("/changes?wait=31");
    expect([answer.status, answer.body]).toMatchObject([422, { field: "/wait" }]);
  });

  it("finds a commit although its notification was lost", async () => {
    const client = await createClient(system);
    const waiting = client.get<ChangesBody>("/changes?wait=20");
    const events = await follow(system, client);
    // Commits without a notification.
    await system.pool.query("INSERT INTO workspaces (workspace_id, seq, revision) VALUES ($1, 1, 1)", [
      client.workspaceId,
    ]);
    await system.pool.query(
      `INSERT INTO changes (workspace_id, seq, collection, document_id, first_version, version, deleted, data, committed_at, revision)
       VALUES ($1, 1, 'documents', 'silent', 1, 1, false, '{}', now(), 1)`,
      [client.workspaceId],
    );
    expect((await waiting).body.changes).toMatchObject([{ document_id: "silent" }]);
    await eventually(async () => expect(events.changes()).toMatchObject([{ document_id: "silent" }]));
  });
});

describe("a page of the feed", () => {
  it("never ends inside a group", async () => {
    const client = await createClient(system);
    const put = (document_id: string) => ({
      operation: "put",
      client_id: `group_${document_id}`,
      document_id,
      data: {},
    });
    await client.post({ operations: [put("before")] });
    await client.post({ atomic: true, operations: ["a", "b", "c", "d"].map(put) });
    await client.post({ operations: [put("after")] });
    const page = async (since: number, limit: number) => {
      const { body } = await client.get<ChangesBody>(`/changes?since=${since}&limit=${limit}`);
      return [body.changes.map(({ document_id }) => document_id).join(" "), body.next, body.more];
    };
    expect(await page(0, 1)).toEqual(["before", 1, true]);
    expect(await page(0, 2)).toEqual(["before a b c d", 5, true]);
    expect(await page(1, 1)).toEqual(["a b c d", 5, true]);
    expect(await page(1, 4)).toEqual(["a b c d", 5, true]);
    expect(await page(1, 5)).toEqual(["a b c d after", 6, false]);
    expect(await page(5, 1)).toEqual(["after", 6, false]);
  });

  it("is also limited in bytes, and the next one continues", async () => {
    const client = await createClient(system);
    const text = "x".repeat(400_000);
    for (let n = 0; n < 6; n++) await client.post({ operations: [put(`big_${n}`, { n, text })] });
    const seen: number[] = [];
    let pages = 0;
    for (let since = 0, more = true; more; pages++) {
      const { body } = await client.get<ChangesBody>(`/changes?since=${since}&limit=1000`);
      seen.push(...body.changes.map(({ seq }) => seq));
      ({ next: since, more } = body);
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    expect(pages).toBeGreaterThan(1);
  });
});

describe("the stream of changes", () => {
  let client: Client;
  beforeAll(async () => {
    client = await createClient(system);
    await client.post({ operations: [put("a", { n: 1 }), put("p", {}, { collection: "players" })] });
  });

  it("sends each as the feed shows it, with the reader's cursor as its id", async () => {
    const events = await follow(system, client);
    expect(events.status).toBe(200);
    expect(events.headers.get("content-type")).toMatch(/^text\/event-stream/);
    await eventually(async () => expect(events.events).toHaveLength(2));
    const { body } = await client.get<ChangesBody>("/changes");
    expect(events.events).toEqual(
      body.changes.map((change) => ({ event: "change", id: `${change.seq}:1`, data: change })),
    );
  });

  it("resumes after Last-Event-ID, otherwise after since", async () => {
    const resumed = await follow(system, client, "?since=0", { "last-event-id": "1" });
    await eventually(async () => expect(resumed.changes()).toMatchObject([{ seq: 2 }]));
    const since = await follow(system, client, "?since=1");
    await eventually(async () => expect(since.changes()).toMatchObject([{ seq: 2 }]));
    expect((await follow(system, client, "", { "last-event-id": "x" })).status).toBe(422);
  });

  it("sends only the requested collections, and heartbeats with the cursor", async () => {
    const events = await follow(system, client, "?collections=documents");
    await eventually(async () => expect(events.changes()).toMatchObject([{ document_id: "a" }]));
    expect(events.lastId()).toBe("1:1");
    await eventually(async () => expect(events.lastId()).toBe("2:1"));
    expect(events.events).toHaveLength(1);
  });

  it("ends when the token expires, and says so", async () => {
    const token = await ownToken(system, client.workspaceId, "2 seconds");
    const events = await openEvents(system, `/api/v1/workspaces/${client.workspaceId}/changes/events`, token);
    await events.ended;
    expect(events.events).toHaveLength(3);
    expect(events.events.at(-1)).toEqual({ event: "end", id: undefined, data: { reason: "token_expired" } });
  });
});

describe("the stream's conflicts", () => {
  let client: Client;
  beforeEach(async () => {
    client = await createClient(system);
  });

  const listed = async (query = "") =>
    (await client.get<{ conflicts: ConflictBody[] }>(`/conflicts${query}`)).body.conflicts;
  const report = (documentId: string, more: object = {}) =>
    client.post({
      device_id: `dev_${operations}`,
      on_conflict: "report",
      operations: [put(documentId, {}, { expected_version: 99, ...more })],
    });

  it("are the records as the listing shows them, one after the other, as they are written", async () => {
    await client.post({ operations: [put("a", { n: 1 })] });
    await client.post({ operations: [put("a", { n: 2 })] });
    const events = await follow(system, client);
    await report("a");
    await eventually(async () => expect(events.conflicts()).toMatchObject([{ status: "reported" }]));
    expect(events.conflicts()).toEqual(await listed());
    expect(Object.keys(events.conflicts()[0] ?? {}).sort()).toEqual([
      "base_version",
      "collection",
      "conflict_id",
      "current_version",
      "device_id",
      "document_id",
      "opened_at",
      "operation_count",
      "reason",
      "resolved_seq",
      "resolved_version",
      "round",
      "status",
      "strategy",
      "updated_at",
    ]);

    const edit = put("a", { n: 3 }, { expected_version: 1 });
    await client.post({ device_id: "dev_m", on_conflict: "manual", operations: [edit] });
    await eventually(async () => expect(events.conflicts().at(-1)?.status).toBe("parked"));
    await client.post({
      device_id: "dev_c",
      on_conflict: "client-wins",
      operations: [put("a", { n: 4 }, { expected_version: 1 })],
    });
    await eventually(async () => expect(events.conflicts().at(-1)?.status).toBe("resolved"));
    for (const record of await listed()) {
      expect(events.conflicts().findLast(({ conflict_id }) => conflict_id === record.conflict_id)).toEqual(
        record,
      );
    }
    expect(await listed("?status=open")).toEqual([]);
  });

  it("report every step: opened, one more held, the next round, resolved", async () => {
    await client.post({ operations: [put("a", { title: "Old", body: "" })] });
    await client.post({ operations: [put("a", { title: "New", body: "" })] });
    const events = await follow(system, client);
    const steps = () => events.conflicts().map(({ status, round }) => `${status} ${round}`);
    await system.syncline.conflict.stop();
    const edit = () => ({ ...put("a", { body: "Text" }, { expected_version: 1 }), operation: "update" });
    const post = (batch: object) => client.post({ ...batch }, { prefer: "respond-async" });
    await post({ device_id: "dev_1", operations: [edit()] });
    await eventually(async () => expect(steps()).toEqual(["open 1"]));
    await post({ device_id: "dev_1", operations: [edit()] });
    await eventually(async () => expect(steps()).toEqual(["open 1", "open 1"]));
    expect(events.conflicts()).toMatchObject([{ operation_count: 1 }, { operation_count: 2 }]);

    // Another write is committed between the merge's read and its commit.
    for (const worker of system.syncline.workers) await worker.stop();
    await post({ operations: [put("a", { title: "Newer", body: "" })] });
    await system.syncline.conflict.start();
    await eventually(async () => expect(await system.entriesOnLanes()).toBe(2));
    await system.syncline.conflict.stop();
    for (const worker of system.syncline.workers) await worker.start();
    await eventually(async () => expect(steps()).toEqual(["open 1", "open 1", "open 2"]));
    await system.syncline.conflict.start();
    await eventually(async () => expect(steps()).toEqual(["open 1", "open 1", "open 2", "resolved 2"]));
  });

  it("resume from any event's id, without loss or duplicates, also within one commit", async () => {
    const events = await follow(system, client);
    // A client that disconnects before the first event has a cursor, too.
    await eventually(async () => expect(events.lastId()).toBe("0:0"));
    for (let n = 0; n < 3; n++) {
      await client.post({ operations: [put(`a${n}`, {}), put(`b${n}`, {})] });
      const many = [0, 1, 2].map((m) => put(`${n}${m}`, {}, { expected_version: 99 }));
      await client.post({ device_id: "dev_1", on_conflict: "report", operations: many });
    }
    const idsOf = ({ changes, conflicts }: Following): [number[], string[]] => [
      changes().map(({ seq }) => seq),
      conflicts().map(({ conflict_id }) => conflict_id),
    ];
    await eventually(async () => expect(idsOf(events).map((ids) => ids.length)).toEqual([6, 9]));
    const [seqs, conflictIds] = idsOf(events);
    expect(new Set(conflictIds)).toEqual(new Set((await listed()).map(({ conflict_id }) => conflict_id)));
    expect(new Set(events.events.map(({ id }) => id)).size).toBe(15);

    // Events received one by one, and all at once, changes and conflicts in one page.
    const backlog = await follow(system, client, "", { "last-event-id": "0:0" });
    await eventually(async () => expect(idsOf(backlog)).toEqual([seqs, conflictIds]));
    for (const { events: sent } of [events, backlog]) {
      let changesSeen = 0;
      let conflictsSeen = 0;
      for (const { event, id = "" } of sent) {
        if (event === "change") changesSeen++;
        else conflictsSeen++;
        const rest = [seqs.slice(changesSeen), conflictIds.slice(conflictsSeen)];
        const resumed = await follow(system, client, "", { "last-event-id": id });
        await eventually(async () => expect(idsOf(resumed)).toEqual(rest));
        await resumed.leave();
      }
    }
    // The last id has no event after it yet.
    const resumed = await follow(system, client, "", { "last-event-id": events.events.at(-1)?.id ?? "" });
    await report("later");
    await eventually(async () => expect(resumed.events).toMatchObject([{ data: { document_id: "later" } }]));
  });

  it("begin with future events if the cursor has no conflict part", async () => {
    await client.post({ operations: [put("a", {})] });
    await report("before");
    const fresh = await follow(system, client, "?since=0");
    const plain = await follow(system, client, "", { "last-event-id": "0" });
    await report("after");
    for (const { conflicts, changes } of [fresh, plain]) {
      await eventually(async () => expect(conflicts()).toMatchObject([{ document_id: "after" }]));
      expect(changes()).toMatchObject([{ document_id: "a" }]);
    }
  });

  it("are limited to the requested collections and to the workspace", async () => {
    const events = await follow(system, client, "?collections=players");
    const other = await createClient(system);
    await other.post({
      on_conflict: "report",
      operations: [put("elsewhere", {}, { collection: "players", expected_version: 99 })],
    });
    await report("document");
    await report("player", { collection: "players" });
    await eventually(async () => expect(events.conflicts()).toMatchObject([{ document_id: "player" }]));
    expect(events.events).toHaveLength(1);
  });

  it("reach a reader whose connection breaks repeatedly, while devices cause conflicts", async () => {
    await client.post({ operations: [put("shared", { n: 0 })] });
    const written = new AbortController();
    const received: ReceivedEvent[] = [];
    let lastId = "0:0";
    const resume = async () => {
      for (let done = false; !done;) {
        const last = written.signal.aborted;
        const part = await follow(system, client, "", { "last-event-id": lastId });
        if (last)
          await eventually(async () => expect(await isCaughtUp([...received, ...part.events])).toBe(true));
        else
          await eventually(async () => expect(part.events.length > 5 || written.signal.aborted).toBe(true));
        await part.leave();
        received.push(...part.events);
        lastId = part.events.at(-1)?.id ?? lastId;
        done = last;
      }
    };
    const isCaughtUp = async (events: ReceivedEvent[]) => {
      const latest = new Map(
        (dataOf(events, "conflict") as ConflictBody[]).map((each) => [each.conflict_id, each]),
      );
      const records = await listed("?limit=500");
      return records.every((each) => JSON.stringify(latest.get(each.conflict_id)) === JSON.stringify(each));
    };
    const resuming = resume();
    await Promise.all(
      Array.from({ length: 6 }, async (_, writer) => {
        for (let round = 0; round < 12; round++) {
          await client.post({
            device_id: `writer_${writer}`,
            on_conflict: round % 3 === 0 ? "report" : "merge",
            operations: [put("shared", { [`w${writer}`]: round }, { expected_version: 1 })],
          });
        }
      }),
    );
    written.abort();
    await resuming;
    expect(await listed("?status=open")).toEqual([]);
    expect((await listed("?limit=500")).length).toBeGreaterThan(30);
    expect(dataOf(received, "change").map((data) => (data as ChangeBody).seq)).toEqual(
      (await committed(system, client)).map(({ seq }) => seq),
    );
    // In the order of the commits, and without duplicates.
    const places = received
      .filter(({ event }) => event === "conflict")
      .map(({ id = "" }) => id.split(":"))
      .map(([, revision = "", conflictId = ""]) => `${revision.padStart(15, "0")} ${conflictId}`);
    expect(places).toEqual([...new Set(places)].sort());
  });
});

describe("the open streams of a process", () => {
  let small: System;
  beforeAll(async () => {
    small = await startSystem({
      env: { EVENT_STREAMS_MAX: "2", SUBJECT_SHARE_PERCENT: "100", ADDRESS_SHARE_PERCENT: "100" },
    });
  });
  afterAll(() => small.stop());

  it("are limited: beyond that the answer is 503, and a closed one frees its slot", async () => {
    const client = await createClient(small);
    const first = await follow(small, client);
    expect(first.status).toBe(200);
    expect((await follow(small, client)).status).toBe(200);
    const third = await follow(small, client);
    expect(third.status).toBe(503);
    expect(third.headers.get("retry-after")).toBe("5");
    expect((await client.get("/changes?wait=1")).status).toBe(503);
    expect((await client.get("/changes")).status).toBe(200);
    await first.leave();
    await eventually(async () => expect((await follow(small, client)).status).toBe(200));
  });

  it("do not wait for a client that reads no data: its connection is closed", async () => {
    const client = await createClient(small);
    const text = "x".repeat(900_000);
    for (let n = 0; n < 20; n++) await client.post({ operations: [put(`big_${n}`, { n, text })] });
    const token = await ownToken(small, client.workspaceId);
    const url = `${small.syncline.ingestUrl}/api/v1/workspaces/${client.workspaceId}/changes/events`;
    const openAndStall = () =>
      new Promise<ClientRequest>((resolve, reject) => {
        const request = httpRequest(url, { headers: { authorization: `Bearer ${token}` } });
        request.once("response", (response) => {
          response.pause();
          response.on("error", () => {}); // its connection is reset
          resolve(request);
        });
        request.once("error", reject);
        request.end();
      });
    const stalled = await eventually(async () => {
      const both = [await openAndStall(), await openAndStall()];
      expect((await follow(small, client)).status).toBe(503);
      return both;
    });
    await eventually(async () => expect((await follow(small, client)).status).toBe(200));
    for (const request of stalled) request.destroy();
  });

  it("end when the process is stopped, which is then quick", async () => {
    const client = await createClient(small);
    const events = await eventually(async () => {
      const open = await follow(small, client);
      expect(open.status).toBe(200);
      return open;
    });
    let waitingSinceMs = 0;
    const waiting = eventually(async () => {
      waitingSinceMs = performance.now();
      const answer = await client.get<ChangesBody>("/changes?wait=30");
      expect(answer.status).toBe(200);
      return answer;
    });
    // The poll is open once another stream gets 503; a stream that came first frees its slot.
    await eventually(async () => {
      const another = await follow(small, client);
      await another.leave();
      expect(another.status).toBe(503);
    });
    await small.syncline.ingest.kill("SIGTERM");
    // The poll asked for 30 s.
    expect(performance.now() - waitingSinceMs).toBeLessThan(30_000);
    await events.ended;
    expect(events.events).toEqual([{ event: "end", id: undefined, data: { reason: "stopping" } }]);
    expect((await waiting).body).toMatchObject({ changes: [], next: 0 });
    expect(await small.syncline.ingest.ended).toBe("exit code 0");
    await small.syncline.ingest.start();
  });
});

interface Snapshot {
  seq: number;
  documents: DocumentBody[];
  pages: number;
}

async function readLines(client: Client, query: string): Promise<Record<string, unknown>[]> {
  const token = await ownToken(system, client.workspaceId);
  const url = `${system.syncline.ingestUrl}/api/v1/workspaces/${client.workspaceId}/snapshot${query}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/x-ndjson");
  const text = await response.text();
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function readSnapshot(client: Client, limit: number): Promise<Snapshot> {
  const documents: DocumentBody[] = [];
  let pinned: number | undefined;
  let pages = 0;
  for (let after: string | null | undefined; after !== null; pages++) {
    const lines = await readLines(
      client,
      `?limit=${limit}${after === undefined ? "" : `&after=${encodeURIComponent(after)}`}`,
    );
    const [head, ...rest] = lines;
    const tail = rest.pop();
    pinned ??= Number(head?.["seq"]);
    expect(head).toEqual({
      epoch: expect.any(String),
      seq: pinned,
      ...(pages === 0 && { count: expect.any(Number) }),
    });
    expect(tail).toEqual({ next: tail?.["next"], seq: pinned });
    expect(rest.length).toBeLessThanOrEqual(limit);
    documents.push(...(rest as unknown as DocumentBody[]));
    after = tail?.["next"] as string | null;
  }
  return { seq: pinned ?? 0, documents, pages };
}

describe("a snapshot", () => {
  it("and the feed from its seq give exactly the current state, with concurrent writers", async () => {
    const client = await createClient(system);
    await writeByEight(client, 6);
    const writing = writeByEight(client, 40);
    const snapshots: Snapshot[] = [];
    for (const limit of [7, 1, 1000]) snapshots.push(await readSnapshot(client, limit));
    await writing;

    const current = await readSnapshot(client, 1000);
    expect(current.pages).toBe(1);
    const byKey = (documents: Iterable<DocumentBody>) =>
      Object.fromEntries(
        [...documents].map((document) => [
          `${document.collection}/${document.document_id}`,
          { version: document.version, seq: document.seq, data: document.data },
        ]),
      );
    let moved = 0;
    for (const { seq, documents } of snapshots) {
      const state = byKey(documents);
      expect(Object.keys(state)).toHaveLength(documents.length);
      if (documents.some((document) => document.seq > seq)) moved++;
      for (let since = seq, more = true; more;) {
        const { body } = await client.get<ChangesBody>(`/changes?since=${since}`);
        for (const change of body.changes) {
          const key = `${change.collection}/${change.document_id}`;
          if ((state[key]?.seq ?? 0) >= change.seq) continue;
          if (change.data === null) delete state[key];
          else state[key] = { version: change.version, seq: change.seq, data: change.data };
        }
        ({ next: since, more } = body);
      }
      expect(state).toEqual(byKey(current.documents));
    }
    // Proves that the writers were running.
    expect(moved).toBeGreaterThan(0);
  });

  it("leaves writes before its cursor, between two pages, to the feed", async () => {
    const client = await createClient(system);
    await client.post({ operations: [put("b", { n: 1 }), put("c", {}), put("e", {})] });
    const first = await readLines(client, "?limit=1");
    const { next, seq } = first.at(-1) as { next: string; seq: number };
    expect([first[1]?.["document_id"], seq]).toEqual(["b", 3]);
    const remove = { operation: "delete", client_id: "gone", document_id: "c" };
    await client.post({ operations: [put("a", {}), put("b", { n: 2 }), put("d", {}), remove] });
    const rest = await readLines(client, `?after=${next}`);
    expect(rest.slice(1, -1).map((line) => [line["document_id"], line["seq"]])).toEqual([
      ["d", 6],
      ["e", 3],
    ]);
    expect(rest.at(-1)).toEqual({ next: null, seq });
    const { body } = await client.get<ChangesBody>(`/changes?since=${seq}`);
    expect(body.changes.map(({ document_id, deleted }) => [document_id, deleted])).toEqual([
      ["a", false],
      ["b", false],
      ["d", false],
      ["c", true],
    ]);
  });

  it("ends early when the token expires, with a cursor for another one", async () => {
    const client = await createClient(system);
    const text = "x".repeat(900_000);
    for (let n = 0; n < 20; n++) await client.post({ operations: [put(`big_${n + 10}`, { n, text })] });
    const url = `${system.syncline.ingestUrl}/api/v1/workspaces/${client.workspaceId}/snapshot`;
    const readLate = async () => {
      const token = await ownToken(system, client.workspaceId, "2 seconds");
      return await new Promise<Record<string, unknown>[]>((resolve, reject) => {
        const request = httpRequest(url, { headers: { authorization: `Bearer ${token}` } });
        request.once("response", (response) => {
          // The client reads no data until its token has expired.
          setTimeout(() => {
            let received = "";
            response.setEncoding("utf8").on("data", (chunk: string) => (received += chunk));
            response.once("error", reject).once("end", () => {
              resolve(
                received
                  .trimEnd()
                  .split("\n")
                  .map((line) => JSON.parse(line) as Record<string, unknown>),
              );
            });
          }, 2_500);
        });
        request.once("error", reject).end();
      });
    };
    const lines = await eventually(async () => {
      const read = await readLate();
      if (read.length < 3) throw new Error("The token expired before a document was sent");
      return read;
    });
    const tail = lines.at(-1);
    expect(tail).toEqual({ next: expect.any(String) as string, seq: 20, ended: "token_expired" });
    const rest = await readLines(client, `?after=${encodeURIComponent(String(tail?.["next"]))}`);
    const sent = lines.slice(1, -1).map((line) => line["document_id"]);
    expect(sent.length).toBeLessThan(20);
    expect([...sent, ...rest.slice(1, -1).map((line) => line["document_id"])]).toEqual(
      Array.from({ length: 20 }, (_, n) => `big_${n + 10}`),
    );
  });

  it("of a workspace without a commit is empty", async () => {
    const [head, tail, ...rest] = await readLines(await createClient(system), "");
    expect([head, tail, rest]).toMatchObject([{ seq: 0 }, { next: null, seq: 0 }, []]);
  });

  it("holds no deleted document, and shows the others as they are read one by one", async () => {
    const client = await createClient(system);
    await client.post({ operations: [put("stays", { n: 1 }), put("goes", {})] });
    await client.post({ operations: [{ operation: "delete", client_id: "d", document_id: "goes" }] });
    const { documents, seq } = await readSnapshot(client, 10);
    const { body } = await client.get("/documents/documents/stays");
    expect([documents, seq]).toEqual([[body], 3]);
  });

  it("refuses a cursor that the server did not issue", async () => {
    const client = await createClient(system);
    const answer = await client.get("/snapshot?after=abc");
    expect([answer.status, answer.body]).toMatchObject([422, { field: "/after" }]);
  });
});

describe("a reader that was away for too long", () => {
  it("is told that the history is gone, and how to start again", async () => {
    const client = await createClient(system);
    for (let n = 0; n < 5; n++) await client.post({ operations: [put("a", { n })] });
    const tail = (await readLines(client, "?limit=1")).at(-1);
    expect(tail).toEqual({ next: null, seq: 5 });
    // Deletes like retention.
    await system.pool.query("DELETE FROM changes WHERE workspace_id = $1 AND seq <= 3", [client.workspaceId]);
    await system.pool.query("UPDATE workspaces SET feed_from = 3 WHERE workspace_id = $1", [
      client.workspaceId,
    ]);

    const gone = {
      type: "urn:syncline:problem:history-gone",
      status: 410,
      snapshot: `/api/v1/workspaces/${client.workspaceId}/snapshot`,
    };
    for (const path of ["/changes?since=2", "/changes?since=2&wait=5", "/changes/events?since=2"]) {
      const answer = await client.get(path);
      expect([answer.status, answer.body]).toMatchObject([410, gone]);
      expect(answer.headers.get("content-type")).toMatch("application/problem+json");
    }
    const { body } = await client.get<ChangesBody>("/changes?since=3");
    expect(body.changes.map(({ seq }) => seq)).toEqual([4, 5]);
    // An older snapshot cannot be continued: the feed no longer starts at its seq.
    const cursor = Buffer.from(
      JSON.stringify([body.epoch, client.workspaceId, 2, "documents", "a"]),
    ).toString("base64url");
    const stale = await client.get(`/snapshot?after=${cursor}`);
    expect([stale.status, stale.body]).toMatchObject([410, gone]);
  });

  it("is told that the epoch is another one", async () => {
    const client = await createClient(system);
    const { body } = await client.get<ChangesBody>("/changes");
    expect((await client.get(`/changes?epoch=${body.epoch}`)).status).toBe(200);
    for (const path of ["/changes?epoch=other", "/changes/events?epoch=other"]) {
      const answer = await client.get(path);
      expect([answer.status, answer.body]).toMatchObject([
        410,
        { type: "urn:syncline:problem:epoch-changed", snapshot: expect.stringContaining("/snapshot") },
      ]);
    }
  });
});

describe("a reader whose cursor is beyond the end of the feed", () => {
  const expectAhead = async (client: Client, path: string, headers: Record<string, string> = {}) => {
    const answer = await client.get(path, headers);
    expect([path, headers, answer.status, answer.body]).toMatchObject([
      path,
      headers,
      410,
      {
        type: "urn:syncline:problem:cursor-ahead",
        snapshot: `/api/v1/workspaces/${client.workspaceId}/snapshot`,
      },
    ]);
  };
  const cursorAt = (...place: unknown[]) => Buffer.from(JSON.stringify(place)).toString("base64url");

  it("gets cursor-ahead from every route, with the way to start again", async () => {
    const client = await createClient(system);
    for (let n = 0; n < 3; n++) await client.post({ operations: [put("a", { n })] });
    const { epoch } = (await client.get<ChangesBody>("/changes")).body;
    for (const since of [4, 17, Number.MAX_SAFE_INTEGER]) {
      for (const more of ["", "&wait=1", `&epoch=${epoch}`, "&collections=other"]) {
        await expectAhead(client, `/changes?since=${since}${more}`);
      }
      await expectAhead(client, `/changes/events?since=${since}`);
      await expectAhead(client, `/snapshot?after=${cursorAt(epoch, client.workspaceId, since, "", "")}`);
    }
    // In the changes, and in the conflicts.
    for (const id of ["4", "4:3", "3:4", `3:4:${randomUUID()}`]) {
      await expectAhead(client, "/changes/events", { "last-event-id": id });
      await expectAhead(client, "/changes/events?since=1", { "last-event-id": id });
    }
    const end = await client.get<ChangesBody>("/changes?since=3");
    expect([end.status, end.body]).toMatchObject([200, { changes: [], next: 3, more: false }]);
  });

  it("gets it for a workspace without a commit, except at its beginning", async () => {
    const client = await createClient(system);
    expect((await client.get("/changes?since=0")).body).toMatchObject({ changes: [], next: 0 });
    await expectAhead(client, "/changes?since=1");
    await expectAhead(client, "/changes/events", { "last-event-id": "0:1" });
  });

  it("gets it once the workspace was erased, also while it follows the feed", async () => {
    const client = await createClient(system);
    await client.post({ operations: [put("a", {}), put("b", {})] });
    const events = await follow(system, client);
    await eventually(async () => expect(events.changes()).toHaveLength(2));
    for (const table of ["documents", "changes", "operations", "batches", "workspaces"]) {
      await system.pool.query(`DELETE FROM ${table} WHERE workspace_id = $1`, [client.workspaceId]);
    }
    await expectAhead(client, "/changes?since=2");
    await expectAhead(client, "/changes/events", { "last-event-id": events.lastId() ?? "" });
    // New writes get the old numbers again.
    await client.post({ operations: [put("c", {})] });
    await events.ended;
    expect(events.changes()).toHaveLength(2);
  });

  it("never gets it for a seq that it was just answered", async () => {
    const client = await createClient(system);
    const write = async (writer: number) => {
      for (let n = 0; n < 10; n++) {
        const { body } = await client.post({ operations: [put(`doc_${writer}`, { n })] });
        const seq = body.results[0]?.seq ?? 0;
        const page = await client.get<ChangesBody>(`/changes?since=${seq}`);
        expect([page.status, page.body.next >= seq]).toEqual([200, true]);
      }
    };
    await Promise.all([1, 2, 3, 4].map(write));
  });

  it("is not mistaken for one of another workspace", async () => {
    const [one, two] = [await createClient(system), await createClient(system)];
    for (const client of [one, two]) await client.post({ operations: [put("a", {}), put("b", {})] });
    const tail = (await readLines(one, "?limit=1")).at(-1) as { next: string };
    expect((await two.get(`/snapshot?after=${tail.next}`)).status).toBe(422);
  });
});

describe("a document's history", () => {
  it("shows its changes newest first, page by page, folded ones with their versions", async () => {
    const client = await createClient(system);
    const device_id = "dev_1";
    await client.post({ device_id, operations: [put("a", { n: 1 }), put("other", {})] });
    await client.post({
      device_id,
      operations: [put("a", { n: 2 }), put("a", { n: 3 }), put("a", { n: 4 })],
    });
    await client.post({
      device_id,
      operations: [{ operation: "delete", client_id: "d", document_id: "a" }],
    });
    const first = await client.get<HistoryBody>("/documents/documents/a/history?limit=2");
    expect(first.body).toMatchObject({
      changes: [
        { first_version: 5, version: 5, deleted: true, data: null, device_id, seq: 4 },
        { first_version: 2, version: 4, deleted: false, data: { n: 4 }, seq: 3 },
      ],
      next: 4,
      more: true,
    });
    const rest = await client.get<HistoryBody>(
      `/documents/documents/a/history?before=${first.body.next}&limit=2`,
    );
    expect(rest.body).toMatchObject({ changes: [{ version: 1 }], next: null, more: false });
    await client.post({
      device_id,
      operations: [put("a", { n: 5 }), { operation: "delete", client_id: "d2", document_id: "a" }],
    });
    const [last] = (await client.get<HistoryBody>("/documents/documents/a/history?limit=1")).body.changes;
    expect(last).toMatchObject({ first_version: 6, version: 7, deleted: true, data: null, ended: { n: 5 } });
    expect((await client.get("/documents/documents/never/history")).status).toBe(404);
    expect((await client.get("/documents/documents/%00/history")).status).toBe(404);
  });
});

describe("the events of a batch", () => {
  const eventsOf = async (client: Client, batchId: string) =>
    openEvents(system, `/api/v1/batches/${batchId}/events`, await ownToken(system, client.workspaceId));

  it("show its progress, and end when it is done", async () => {
    const client = await createClient(system);
    for (const worker of system.syncline.workers) await worker.stop();
    const { body } = await client.post({ operations: [put("a", {})] }, { prefer: "respond-async" });
    const following = await eventsOf(client, body.batch_id);
    await eventually(async () => expect(following.events).toHaveLength(1));
    for (const worker of system.syncline.workers) await worker.start();
    await following.ended;
    const { events } = following;
    expect(events.map(({ event }) => event)).toEqual(["progress", "progress", "done"]);
    const [pending, completed] = events.map(({ data }) => data as BatchResult);
    expect(pending).toMatchObject({ status: "pending", results: [{ status: "pending" }] });
    expect(completed).toEqual((await client.getAbsolute(`/api/v1/batches/${body.batch_id}`)).body);
    expect(events.at(-1)?.data).toEqual({ batch_id: body.batch_id, status: "completed" });
  });

  it("end immediately if it is done already, and show a batch without any change", async () => {
    const client = await createClient(system);
    const { body } = await client.post({
      operations: [{ operation: "update", client_id: "u", document_id: "never", data: {} }],
    });
    const following = await eventsOf(client, body.batch_id);
    await following.ended;
    expect(following.events.map(({ event }) => event)).toEqual(["progress", "done"]);
    expect(following.events[0]?.data).toMatchObject({ status: "failed" });
  });

  it("are not visible to other workspaces", async () => {
    const client = await createClient(system);
    const { body } = await client.post({ operations: [put("a", {})] });
    const other = await createClient(system, { subject: "mallory" });
    expect((await eventsOf(other, body.batch_id)).status).toBe(404);
    expect((await eventsOf(client, "not-an-id")).status).toBe(404);
  });
});

describe("another workspace", () => {
  it("is not accepted by any of these routes", async () => {
    const client = await createClient(system);
    const token = await system.syncline.token({ other: "admin" });
    const stranger = await createClient(system, { workspaceId: client.workspaceId, token });
    for (const path of [
      "/changes",
      "/changes?wait=1",
      "/changes/events",
      "/snapshot",
      "/documents/documents/a/history",
    ]) {
      expect([path, (await stranger.get(path)).status]).toEqual([path, 403]);
    }
  });
});
