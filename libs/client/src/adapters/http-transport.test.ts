import { describe, expect, it } from "vitest";
import type { RequestContext, StreamEvent } from "../ports/index.ts";
import { createClock } from "../testing/clock.ts";
import { createTestServer } from "../testing/server/test-server.ts";
import { gzipText } from "./gzip-text.ts";
import { createHttpTransport } from "./http-transport.ts";

const workspace = "w1";
const context = (token: string, signal = new AbortController().signal): RequestContext => ({
  token,
  signal,
  onProgress: () => undefined,
});

function connect() {
  const clock = createClock();
  const server = createTestServer({ clock });
  const transport = createHttpTransport({
    url: server.url,
    fetch: server.fetch,
    ...(gzipText && { compress: gzipText }),
  });
  const as = (subject: string, role: "reader" | "writer" = "writer") =>
    context(server.token({ subject, workspaces: { [workspace]: role } }));
  const push = (by: RequestContext, data: object, fields: object = {}, batch: object = {}) =>
    transport.push(
      {
        batch: {
          workspace_id: workspace,
          device_id: "d1",
          operations: [
            {
              operation: "update",
              client_id: "u1",
              collection: "documents",
              document_id: "x",
              data,
              ...fields,
            } as never,
          ],
          ...batch,
        },
        waitSeconds: 10,
      },
      by,
    );
  return { server, transport, as, push, clock };
}

describe("the transport by HTTP", () => {
  it("pushes a compressed batch, and pulls what it wrote", async () => {
    const { transport, as, push } = connect();
    const text = "a".repeat(5_000);
    const answer = await push(as("alice"), { text }, { operation: "create" });
    expect(answer).toMatchObject({ kind: "ok", body: { status: "completed" } });
    const page = await transport.pull({ workspace, since: 0, limit: 10, deviceId: "d1" }, as("alice"));
    expect(page).toMatchObject({
      kind: "ok",
      body: { changes: [{ document_id: "x", data: { text } }], next: 1 },
    });
    const snapshot = await transport.snapshot({ workspace, limit: 10 }, as("alice"));
    expect(snapshot).toMatchObject({
      kind: "ok",
      body: { seq: 1, next: null, documents: [{ document_id: "x" }] },
    });
    const life = await transport.operation({ workspace, clientId: "u1", deviceId: "d1" }, as("alice"));
    expect(life).toMatchObject({ kind: "ok", body: { status: "success" } });
  });

  it("names what a refused request is refused for", async () => {
    const { transport, as, push, server } = connect();
    const pull = (since: number, epoch?: string) =>
      transport.pull(
        { workspace, since, limit: 10, deviceId: "d1", ...(epoch !== undefined && { epoch }) },
        as("alice"),
      );
    expect(await push(context("nonsense"), {})).toMatchObject({ kind: "unauthorized", status: 401 });
    expect(await push(as("alice", "reader"), {})).toMatchObject({ kind: "forbidden" });
    expect(await push(as("alice"), {}, { extra: 1 })).toMatchObject({ kind: "invalid", operations: ["u1"] });
    expect(await push(as("alice"), {}, {}, { operations: [] })).toMatchObject({
      kind: "protocol",
      problem: "invalid-field",
    });
    expect(await transport.batch({ batchId: "none" }, as("alice"))).toMatchObject({ kind: "notFound" });
    expect(await pull(7)).toMatchObject({ kind: "gone", cause: "cursor" });
    expect(await pull(0, "another")).toMatchObject({ kind: "gone", cause: "epoch" });
    await push(as("alice"), {}, { operation: "create" });
    server.dropHistory(workspace, 1);
    expect(await pull(0)).toMatchObject({ kind: "gone", cause: "history" });
  });

  it.each([
    [429, "too-many-held", { operation: "u1" }, { kind: "overloaded", retryAfterMs: 3_000, operation: "u1" }],
    [503, "overloaded", {}, { kind: "overloaded", retryAfterMs: 3_000 }],
    [503, "unavailable", {}, { kind: "unavailable", retryAfterMs: 3_000 }],
    [500, "internal", {}, { kind: "unavailable" }],
    [408, "request-timeout", {}, { kind: "unavailable" }],
    [413, "too-large", {}, { kind: "tooLarge" }],
    [415, "unsupported-media-type", {}, { kind: "protocol" }],
    [403, "override-not-allowed", { operation: "u1" }, { kind: "overrideNotAllowed", operations: ["u1"] }],
    [403, "device-taken", {}, { kind: "forbidden", cause: "device" }],
    [403, "workspace-forbidden", {}, { kind: "forbidden", cause: "workspace" }],
    [403, "role-insufficient", {}, { kind: "forbidden", cause: "role" }],
    [409, "decision-outdated", {}, { kind: "outdated" }],
  ])("maps %d %s", async (status, type, members, expected) => {
    const body = JSON.stringify({ type: `urn:syncline:problem:${type}`, status, ...members });
    const fetch = () => Promise.resolve(new Response(body, { status, headers: { "retry-after": "3" } }));
    const transport = createHttpTransport({ url: "http://server", fetch });
    expect(await transport.batch({ batchId: "b" }, context("token"))).toMatchObject(expected);
  });

  it("has no answer if the network fails, the token's device sleeps, or the request is aborted", async () => {
    const offline = createHttpTransport({
      url: "http://server",
      fetch: () => Promise.reject(new TypeError("offline")),
    });
    expect(await offline.batch({ batchId: "b" }, context("token"))).toEqual({ kind: "noAnswer" });
    const abort = new AbortController();
    const silent = createHttpTransport({ url: "http://server", fetch: () => new Promise(() => undefined) });
    const answer = silent.batch({ batchId: "b" }, context("token", abort.signal));
    abort.abort();
    expect(await answer).toEqual({ kind: "noAnswer" });
    const portal = createHttpTransport({
      url: "http://server",
      fetch: () => Promise.resolve(new Response("<html>")),
    });
    expect(await portal.batch({ batchId: "b" }, context("token"))).toMatchObject({
      kind: "protocol",
      status: 200,
    });
  });

  it("follows changes and conflicts until the token expires, and lets a person decide", async () => {
    const { transport, as, push, clock } = connect();
    const events: StreamEvent[] = [];
    const end = transport.listen(
      { workspace, since: 0, deviceId: "d1" },
      (event) => void events.push(event),
      as("alice"),
    );
    await push(as("alice"), { a: 1 }, { operation: "create" });
    await push(as("bob"), { a: 2 }, {}, { device_id: "d2" });
    await push(as("alice"), { a: 3 }, { client_id: "u2", expected_version: 0 }, { on_conflict: "manual" });
    const listed = await transport.conflicts({ workspace, status: "parked", deviceId: "d1" }, as("alice"));
    expect(listed).toMatchObject({ kind: "ok", body: { conflicts: [{ document_id: "x" }], next: null } });
    const conflictId = listed.kind === "ok" ? (listed.body.conflicts[0]?.conflict_id ?? "") : "";
    expect(await transport.conflict({ workspace, conflictId }, as("alice"))).toMatchObject({
      kind: "ok",
      body: { version: 2 },
    });
    expect(await transport.preview({ workspace, conflictId }, as("alice"))).toMatchObject({ kind: "ok" });
    const body = { choice: "server", client_id: "decision" } as const;
    expect(await transport.decide({ workspace, conflictId, body }, as("alice"))).toMatchObject({
      kind: "ok",
    });
    await clock.advance(3_600_000);
    expect(await end).toMatchObject({ kind: "ok", body: { reason: "tokenExpired" } });
    expect(new Set(events.map(({ kind }) => kind))).toEqual(
      new Set(["open", "change", "conflict", "settled", "position"]),
    );
  });
});
