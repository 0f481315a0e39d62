import { describe, expect, it } from "vitest";
import { createClock } from "../testing/clock.ts";
import { createTestServer } from "../testing/server/test-server.ts";
import type { Connection, FetchedAnswer, FetchedRequest } from "./connection.ts";
import { followChanges, postBatch, readChanges, readDocument, readSnapshot } from "./index.ts";

const WORKSPACE = "w1";

/** A connection to a server that gives these answers. */
function answering(
  answer: (request: FetchedRequest & { url: string }) => Partial<FetchedAnswer> & { text?: string },
): Connection {
  return {
    url: "http://server/",
    token: () => "token",
    fetch: (url, request) => {
      const { status = 200, headers = {}, text = "", ...given } = answer({ ...request, url });
      const known = headers as Record<string, string>;
      const pieces = text.split("").map((piece) => new TextEncoder().encode(piece));
      const read = () => {
        const value = pieces.shift();
        return Promise.resolve(value === undefined ? { done: true } : { done: false, value });
      };
      const body = { getReader: () => ({ read, cancel: () => Promise.resolve() }) };
      return Promise.resolve({
        status,
        body,
        ...given,
        headers: { get: (name: string) => known[name] ?? null },
      });
    },
  };
}
const problem = (type: string, status: number, members: object = {}) => ({
  status,
  headers: { "content-type": "application/problem+json" } as never,
  text: JSON.stringify({ type: `urn:syncline:problem:${type}`, status, ...members }),
});
const changes = (on: Connection, options = {}) => readChanges(on, WORKSPACE, { since: 0 }, options);

describe("the answer to a request", () => {
  it("is the body", async () => {
    const headers = { "x-request-id": "r1", date: "Thu, 01 Jan 2026 00:00:00 GMT" } as never;
    const answer = await changes(
      answering(() => ({ headers, text: '{"changes":[],"next":7,"more":false}' })),
    );
    expect(answer).toEqual({
      kind: "ok",
      status: 200,
      requestId: "r1",
      serverTimeMs: Date.parse("2026-01-01T00:00:00Z"),
      body: { changes: [], next: 7, more: false },
    });
  });

  it("is a problem with its type and the operation at fault", async () => {
    const answer = await changes(
      answering(() => problem("invalid-field", 422, { operation: "op", field: "/x", detail: "no" })),
    );
    expect(answer).toMatchObject({
      kind: "problem",
      type: "invalid-field",
      status: 422,
      operation: "op",
      field: "/x",
    });
  });

  it.each([
    ["5", 5_000],
    ["Thu, 01 Jan 2026 00:01:00 GMT", 60_000],
    ["Wed, 31 Dec 2025 00:01:00 GMT", 0],
    ["soon", undefined],
  ])("says when to send again: Retry-After %s", async (value, retryAfterMs) => {
    const headers = { "retry-after": value, date: "Thu, 01 Jan 2026 00:00:00 GMT" } as never;
    const answer = await changes(answering(() => ({ ...problem("overloaded", 503), headers })));
    expect(answer).toMatchObject({ kind: "problem", type: "overloaded" });
    expect((answer as { retryAfterMs?: number }).retryAfterMs).toBe(retryAfterMs);
  });

  it("says how much of the agreed rate is left", async () => {
    const headers = {
      ratelimit: '"workspace";r=50;t=1, "subject";r=5;t=1',
      "ratelimit-policy": '"workspace";q=100;w=1, "subject";q=20;w=1',
    } as never;
    expect(await changes(answering(() => ({ headers, text: '{"changes":[]}' })))).toMatchObject({
      rateLeft: 0.25,
    });
  });

  it.each([
    ["a page of HTML", 200, "<html>Sign in</html>", "unreadable"],
    ["JSON of another server", 200, '{"error":"sign in"}', "unreadable"],
    ["a redirect to a sign-in", 302, "", "unreadable"],
    ["a wall before the network", 511, "<html>", "unreadable"],
    ["a missing page", 404, "<html>", "unreadable"],
    ["a proxy that refuses the size", 413, "<html>", "problem"],
    ["a gateway without a server", 502, "<html>", "problem"],
    ["a gateway that checks tokens", 401, "", "problem"],
  ])("is told from %s", async (_, status, text, kind) => {
    const answer = await changes(answering(() => ({ status, text })));
    expect(answer).toMatchObject({ kind, status });
  });

  it("is unreachable if the network fails, without an exception", async () => {
    const error = new TypeError("fetch failed");
    const on: Connection = { url: "", token: () => "", fetch: () => Promise.reject(error) };
    expect(await changes(on)).toEqual({ kind: "unreachable", cause: "network", error });
  });

  it("is unreachable if the body breaks off", async () => {
    const reader = { read: () => Promise.reject(new Error("cut")), cancel: () => Promise.resolve() };
    const answer = await changes(answering(() => ({ body: { getReader: () => reader } })));
    expect(answer).toEqual({ kind: "unreachable", cause: "broken" });
  });

  it("sends nothing without a token", async () => {
    const error = new Error("signed out");
    const on: Connection = {
      url: "",
      token: () => Promise.reject(error),
      fetch: () => expect.fail("a request was sent"),
    };
    expect(await changes(on)).toEqual({ kind: "token-failed", error });
  });

  it("is aborted by its caller, also before it was sent", async () => {
    const abort = new AbortController();
    abort.abort();
    const never: Connection = { url: "", token: () => "", fetch: () => new Promise(() => undefined) };
    expect(await changes(never, { signal: abort.signal })).toEqual({ kind: "aborted" });
    const later = new AbortController();
    const answer = changes(never, { signal: later.signal });
    later.abort();
    expect(await answer).toEqual({ kind: "aborted" });
  });
});

describe("a request that hears nothing", () => {
  it.each<[string, Connection]>([
    ["no token", { url: "", token: () => new Promise(() => undefined) }],
    ["no answer", { url: "", token: () => "", fetch: () => new Promise(() => undefined) }],
    [
      "no byte of the body",
      answering(() => ({
        body: {
          getReader: () => ({ read: () => new Promise(() => undefined), cancel: () => Promise.resolve() }),
        },
      })),
    ],
  ])("ends after 45 s: %s", async (_, connection) => {
    const { setTimer, advance } = createClock();
    let answer: unknown;
    void changes({ ...connection, setTimer }).then((value) => (answer = value));
    await advance(44_999);
    expect(answer).toBeUndefined();
    await advance(1);
    expect(answer).toEqual({ kind: "unreachable", cause: "silence" });
  });

  it("goes on while bytes arrive", async () => {
    const { setTimer, sleep, advance } = createClock();
    const pieces = '{"changes":[]}'.split("");
    const read = async () => {
      await sleep(44_000);
      const text = pieces.shift();
      return text === undefined ? { done: true } : { done: false, value: new TextEncoder().encode(text) };
    };
    const body = { getReader: () => ({ read, cancel: () => Promise.resolve() }) };
    let progress = 0;
    let answer: unknown;
    const on = { ...answering(() => ({ body })), setTimer };
    void changes(on, { onProgress: () => progress++ }).then((value) => (answer = value));
    await advance(15 * 44_000);
    expect(answer).toMatchObject({ kind: "ok" });
    expect(progress).toBeGreaterThan(10);
  });
});

describe("with the server in memory", () => {
  function connect() {
    const clock = createClock();
    const server = createTestServer({ clock });
    const token = server.token({ workspaces: { [WORKSPACE]: "writer" }, ttlMs: 60_000 });
    const on: Connection = {
      url: server.url,
      fetch: server.fetch,
      token: () => token,
      setTimer: clock.setTimer,
    };
    const create = (name: string) =>
      postBatch(on, {
        workspace_id: WORKSPACE,
        device_id: "d1",
        operations: [{ operation: "create", client_id: name, document_id: name, data: { name } }],
      });
    return { clock, server, on, create };
  }

  it("ids are encoded in paths", async () => {
    const { on, create } = connect();
    await create("a/b?ü");
    const answer = await readDocument(on, WORKSPACE, { collection: "documents", documentId: "a/b?ü" });
    expect(answer).toMatchObject({ kind: "ok", body: { document_id: "a/b?ü" } });
  });

  it("a snapshot without its last line is broken", async () => {
    const text = '{"epoch":"e","seq":1}\n{"document_id":"x"}\n';
    expect(
      await readSnapshot(
        answering(() => ({ text })),
        WORKSPACE,
      ),
    ).toEqual({ kind: "unreachable", cause: "broken" });
    expect(
      await readSnapshot(
        answering(() => ({ text: "<html>" })),
        WORKSPACE,
      ),
    ).toMatchObject({ kind: "unreadable" });
  });

  it("an event stream gives changes, heartbeats and the reason of its end", async () => {
    const { on, create, clock } = connect();
    await create("first");
    const seen: string[] = [];
    const following = (async () => {
      const stream = followChanges(on, WORKSPACE, { since: 0 });
      for (;;) {
        const { done, value } = await stream.next();
        if (done) return value;
        seen.push(value.kind);
      }
    })();
    await clock.advance(1_000);
    await create("second");
    await clock.advance(59_000);
    expect(await following).toEqual({ kind: "ended", reason: "token_expired" });
    expect(seen.filter((kind) => kind !== "heartbeat")).toEqual(["open", "change", "change"]);
    expect(seen.filter((kind) => kind === "heartbeat").length).toBeGreaterThanOrEqual(3);
  });

  it("an event stream resumes after the last event that was received", async () => {
    const { on, create } = connect();
    for (const name of ["1", "2", "3"]) await create(name);
    const names: unknown[] = [];
    let lastEventId: string | undefined;
    for (let connections = 0; connections < 3; connections++) {
      for await (const event of followChanges(on, WORKSPACE, { since: 0 }, { lastEventId })) {
        if (event.kind !== "change") continue;
        names.push(event.change.document_id);
        lastEventId = event.id;
        break;
      }
    }
    expect(names).toEqual(["1", "2", "3"]);
  });

  it("a silent event stream ends after 35 s", async () => {
    const { setTimer, advance } = createClock();
    const headers = { "content-type": "text/event-stream" } as never;
    const body = {
      getReader: () => ({ read: () => new Promise<never>(() => undefined), cancel: () => Promise.resolve() }),
    };
    const stream = followChanges({ ...answering(() => ({ headers, body })), setTimer }, WORKSPACE, {
      since: 0,
    });
    expect(await stream.next()).toMatchObject({ value: { kind: "open" } });
    let end: unknown;
    void stream.next().then(({ value }) => (end = value));
    await advance(34_999);
    expect(end).toBeUndefined();
    await advance(1);
    expect(end).toEqual({ kind: "unreachable", cause: "silence" });
  });
});
