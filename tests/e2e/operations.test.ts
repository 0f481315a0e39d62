import type { OperationResult } from "@syncline/shared/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { borrowSystem, createClient, eventually, type Client, type System } from "../support/system.ts";

let system: System;
let client: Client;
beforeAll(async () => {
  system = await borrowSystem();
  client = await createClient(system);
});
afterAll(() => system.stop());

const device_id = "dev_1";
const readLife = (clientId: string, device = device_id) =>
  client.get<Record<string, unknown>>(
    `/operations/${encodeURIComponent(clientId)}?device_id=${encodeURIComponent(device)}`,
  );
const put = (client_id: string, document_id: string, data: object = {}) => ({
  operation: "put",
  client_id,
  document_id,
  data,
});

describe("the life of an operation", () => {
  it("shows when it was accepted, drained and applied, for whom, and in which batch", async () => {
    const { body: batch, headers } = await client.post(
      { device_id, operations: [put("plain", "a"), put("other", "b")] },
      { "x-request-id": "request-7", traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
    );
    expect(headers.get("x-request-id")).toBe("request-7");
    const { status, body } = await readLife("plain");
    expect(status).toBe(200);
    expect(body).toEqual({
      client_id: "plain",
      device_id,
      batch_id: batch.batch_id,
      operation: "put",
      collection: "documents",
      document_id: "a",
      status: "success",
      result: { client_id: "plain", status: "success", document_id: "a", version: 1, seq: 1 },
      reason: null,
      conflict_id: null,
      subject: "alice",
      request_id: "request-7",
      // Null without tracing.
      trace_id: body["trace_id"],
      accepted_at: expect.stringMatching(/Z$/),
      drained_at: expect.stringMatching(/Z$/),
      settled_at: expect.stringMatching(/Z$/),
      replayable: false,
      applied: { seq: 1, committed_at: expect.stringMatching(/Z$/) },
      folded_into: null,
      rounds: null,
      held_behind: null,
      conflict: null,
    });
    expect(new Date(String(body["accepted_at"])) <= new Date(String(body["settled_at"]))).toBe(true);
  });

  it("shows the change that it was folded into", async () => {
    await client.post({ device_id, operations: [put("f1", "f", { n: 1 }), put("f2", "f", { n: 2 })] });
    for (const clientId of ["f1", "f2"]) {
      const { body } = await readLife(clientId);
      expect(body["folded_into"]).toEqual({
        seq: (body["result"] as OperationResult).seq,
        first_version: 1,
        version: 2,
      });
    }
  });

  it("shows no change of another document if it wrote nothing", async () => {
    await client.post({
      device_id,
      operations: [{ operation: "delete", client_id: "n", document_id: "none" }],
    });
    expect((await readLife("n")).body).toMatchObject({ status: "success", applied: null, folded_into: null });
  });

  it("of an undeclared device is found by its subject", async () => {
    await client.post({ operations: [put("anonymous", "c")] });
    const own = await client.get<Record<string, unknown>>("/operations/anonymous");
    expect(own.body).toMatchObject({ device_id: "subject:alice", document_id: "c" });
    expect((await readLife("anonymous")).status).toBe(404);
  });

  it("of one that conflicts with another device shows the rounds, and the operations held behind it", async () => {
    await client.post({ device_id, operations: [put("c1", "doc", { title: "New", body: "" })] });
    const edit = (client_id: string, data: object) => ({
      operation: "update",
      client_id,
      document_id: "doc",
      data,
      expected_version: 1,
    });
    await client.post({ device_id: "dev_2", operations: [edit("c2", { title: "Better" })] });
    const { body: merged } = await client.post({
      device_id: "dev_3",
      operations: [edit("c3", { body: "Text" }), edit("c4", { body: "More" })],
    });
    expect(merged.results).toMatchObject([{ merged: true }, { merged: true }]);
    const { body: first } = await readLife("c3", "dev_3");
    const { body: second } = await readLife("c4", "dev_3");
    const conflictId = merged.results[0]?.conflict_id;
    expect(first).toMatchObject({
      status: "success",
      held_behind: null,
      rounds: 1,
      conflict: {
        conflict_id: conflictId,
        status: "resolved",
        strategy: "merge",
        round: 1,
        reason: null,
        next_round_by: null,
      },
      folded_into: { first_version: 3, version: 4 },
    });
    expect(second).toMatchObject({ held_behind: conflictId, folded_into: { first_version: 3, version: 4 } });
  });

  it("of one that is being merged shows the reason, the round, and its due time", async () => {
    await client.post({ device_id, operations: [put("m1", "merging", { n: 1 })] });
    await client.post({ device_id, operations: [put("m2", "merging", { n: 2 })] });
    await system.syncline.conflict.stop();
    await client.post(
      { device_id: "dev_2", operations: [{ ...put("m3", "merging", { n: 3 }), expected_version: 1 }] },
      { prefer: "respond-async" },
    );
    const open = await eventually(async () => {
      const { status, body } = await readLife("m3", "dev_2");
      expect([status, body["drained_at"]]).toEqual([200, expect.any(String)]);
      return body;
    });
    expect(open).toMatchObject({
      status: "pending",
      result: { client_id: "m3", status: "pending" },
      reason: {
        error_type: "version_mismatch",
        error: expect.stringContaining("expected 1"),
        expected_version: 1,
        current_version: 2,
      },
      settled_at: null,
      rounds: 1,
      conflict: { status: "open", round: 1, next_round_by: expect.stringMatching(/Z$/) },
    });
    await system.syncline.conflict.start();
    await eventually(async () =>
      expect((await readLife("m3", "dev_2")).body).toMatchObject({ status: "success", reason: null }),
    );
  });

  it("of a refused one shows the reason, and of a parked one its record", async () => {
    await client.post({ device_id, operations: [put("r1", "refusing", { n: 1 })] });
    await client.post({ device_id, operations: [put("r2", "refusing", { n: 2 })] });
    const edit = { ...put("r3", "refusing", { n: 3 }), expected_version: 1 };
    await client.post({ device_id: "dev_2", on_conflict: "manual", operations: [edit] });
    const { body: parked } = await readLife("r3", "dev_2");
    expect(parked).toMatchObject({
      status: "conflict",
      reason: { error_type: "parked", error: expect.any(String) },
      replayable: false,
      conflict: { status: "parked", reason: expect.any(String), next_round_by: null },
    });
    await client.post({
      device_id,
      operations: [{ operation: "update", client_id: "r4", document_id: "never", data: {} }],
    });
    expect((await readLife("r4")).body).toMatchObject({
      status: "error",
      reason: { error_type: "document_not_found" },
      replayable: true,
      conflict: null,
    });
  });

  it("of one that is still on its lane shows that it was accepted, however deep it is, and by its first batch", async () => {
    const [worker] = system.syncline.workers;
    await worker?.stop();
    const first = await client.post(
      { device_id, operations: [put("waiting", "w"), { operation: "create", client_id: "made", data: {} }] },
      { prefer: "respond-async", "x-request-id": "request-8" },
    );
    for (let n = 0; n < 9; n++) {
      await client.post(
        { device_id, operations: [put("waiting", "w"), put(`deep${n}`, "w")] },
        { prefer: "respond-async" },
      );
    }
    const { status, body } = await readLife("waiting");
    expect(status).toBe(200);
    expect(body).toEqual({
      client_id: "waiting",
      device_id,
      batch_id: first.body.batch_id,
      operation: "put",
      collection: "documents",
      document_id: "w",
      status: "pending",
      result: { client_id: "waiting", status: "pending", document_id: "w" },
      reason: null,
      conflict_id: null,
      subject: "alice",
      request_id: "request-8",
      trace_id: body["trace_id"],
      accepted_at: expect.stringMatching(/Z$/),
      drained_at: null,
      settled_at: null,
      replayable: false,
      applied: null,
      folded_into: null,
      rounds: null,
      held_behind: null,
      conflict: null,
    });
    expect((await readLife("deep8")).body).toMatchObject({ status: "pending", drained_at: null });
    // A resend would make another id, and the first one counts: it is unknown until the drain.
    expect((await readLife("made")).body).toMatchObject({ status: "pending", document_id: null });
    // Operations of another device or workspace are not found on the lane, either.
    expect((await readLife("waiting", "dev_2")).status).toBe(404);
    const elsewhere = await createClient(system);
    expect((await elsewhere.get(`/operations/waiting?device_id=${device_id}`)).status).toBe(404);
    await worker?.start();
    await eventually(async () => expect((await readLife("waiting")).body["status"]).toBe("success"));
    expect((await readLife("waiting")).body).toMatchObject({ batch_id: first.body.batch_id });
  });

  it("of an unknown one is 404", async () => {
    expect((await readLife("never")).status).toBe(404);
  });

  it("belongs to its workspace: an outsider's token is refused, and another workspace does not have it", async () => {
    const token = await system.syncline.token({ other: "admin" });
    const stranger = await createClient(system, { workspaceId: client.workspaceId, token });
    const elsewhere = await createClient(system);
    for (const path of [`/operations/plain?device_id=${device_id}`, "/operations?status=error"]) {
      expect((await stranger.get(path)).status).toBe(403);
    }
    expect((await elsewhere.get(`/operations/plain?device_id=${device_id}`)).status).toBe(404);
    expect((await elsewhere.get("/operations?status=error")).body).toMatchObject({ operations: [] });
  });

  it("is not searched for an invalid id", async () => {
    expect((await readLife("\u0000")).status).toBe(404);
    expect((await readLife("plain", "\u0000")).status).toBe(422);
  });
});

type Roles = Parameters<System["syncline"]["token"]>[0];

interface Listing {
  operations: { client_id: string; status: string; result: OperationResult }[];
  next: string | null;
  more: boolean;
}

describe("the listing of operations", () => {
  beforeAll(async () => {
    client = await createClient(system);
  });

  it("shows failed ones, newest first, page by page", async () => {
    for (let n = 0; n < 3; n++) {
      await client.post({
        device_id,
        operations: [0, 1].map((m) => ({
          operation: "update",
          client_id: `e${n}${m}`,
          document_id: "never",
          data: {},
        })),
      });
      await client.post({ device_id, operations: [put(`good${n}`, "fine")] });
    }
    const seen: string[] = [];
    let before: string | null = "";
    while (before !== null) {
      const page: string = before === "" ? "" : `&before=${encodeURIComponent(before)}`;
      const { body } = await client.get<Listing>(`/operations?status=error&limit=4${page}`);
      expect(body.more).toBe(body.next !== null);
      for (const { client_id, status, result } of body.operations) {
        expect([status, result.error_type]).toEqual(["error", "document_not_found"]);
        seen.push(client_id);
      }
      before = body.next;
    }
    expect(seen).toEqual(["e21", "e20", "e11", "e10", "e01", "e00"]);
  });

  it("shows those in conflict", async () => {
    await client.post({
      device_id,
      on_conflict: "report",
      operations: [{ ...put("conflicting", "fine"), expected_version: 99 }],
    });
    const { body } = await client.get<Listing>("/operations?status=conflict");
    expect(body).toMatchObject({
      operations: [{ client_id: "conflicting", result: { error_type: "version_ahead" } }],
      next: null,
      more: false,
    });
  });

  it("shows pending ones", async () => {
    await system.syncline.conflict.stop();
    await client.post(
      {
        device_id: "dev_2",
        on_conflict: "merge",
        operations: [{ ...put("pending", "fine"), expected_version: 1 }],
      },
      { prefer: "respond-async" },
    );
    await eventually(async () => {
      const { body } = await client.get<Listing>("/operations?status=pending");
      expect(body.operations).toMatchObject([{ client_id: "pending", status: "pending" }]);
    });
    await system.syncline.conflict.start();
    await eventually(async () => {
      expect((await client.get<Listing>("/operations?status=pending")).body.operations).toEqual([]);
    });
  });

  it("needs one of three statuses, and takes only its own cursors", async () => {
    for (const query of ["", "?status=success", "?status=error&before=abc", "?status=error&limit=0"]) {
      expect([query, (await client.get(`/operations${query}`)).status]).toEqual([query, 422]);
    }
  });
});

describe("a replay", () => {
  async function replay(
    clientId: string,
    given: {
      device?: string | null;
      workspaceId?: string;
      roles?: Roles;
      headers?: Record<string, string>;
    } = {},
  ): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
    const { device = device_id, workspaceId = client.workspaceId, headers = {} } = given;
    const token = await system.syncline.token(given.roles ?? { [workspaceId]: "admin" }, {
      subject: "alice",
    });
    const query = device === null ? "" : `?device_id=${encodeURIComponent(device)}`;
    const path = `/api/v1/workspaces/${workspaceId}/operations/${encodeURIComponent(clientId)}/replay`;
    const response = await fetch(system.syncline.ingestUrl + path + query, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Record<string, unknown>,
    };
  }
  const update = (client_id: string, document_id: string, data: object) => ({
    operation: "update",
    client_id,
    document_id,
    data,
  });

  beforeAll(async () => {
    client = await createClient(system);
    await system.pool.query(`
      CREATE FUNCTION refuse_forbidden() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NEW.workspace_id = '${client.workspaceId}' AND NEW.data ->> 'title' = 'Forbidden' THEN RAISE EXCEPTION 'no such title here'; END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER refuse_forbidden BEFORE INSERT OR UPDATE ON documents
        FOR EACH ROW EXECUTE FUNCTION refuse_forbidden();`);
  });

  it("applies an operation that Postgres refused, once the cause is gone, and only then", async () => {
    await client.post({ device_id, operations: [put("p0", "poisoned", { n: 0 })] });
    const batch = {
      device_id,
      operations: [put("p1", "poisoned", { title: "Forbidden" }), put("p2", "fine")],
    };
    const { body: first } = await client.post(batch);
    expect(first.results).toMatchObject([
      { status: "error", error_type: "operation_refused", error: expect.stringContaining("no such title") },
      { status: "success" },
    ]);
    const listed = async () =>
      (await client.get<Listing>("/operations?status=error")).body.operations.map(
        ({ client_id }) => client_id,
      );
    expect(await listed()).toEqual(["p1"]);

    const early = await replay("p1");
    expect([early.status, early.body]).toMatchObject([
      200,
      { status: "failed", results: [{ client_id: "p1", status: "error", error_type: "operation_refused" }] },
    ]);
    expect((await readLife("p1")).body).toMatchObject({ status: "error", replayable: true });

    await system.pool.query("DROP TRIGGER refuse_forbidden ON documents");
    const { status, body } = await replay("p1");
    expect([status, body]).toMatchObject([
      200,
      {
        status: "completed",
        total: 1,
        successful: 1,
        results: [{ client_id: "p1", status: "success", document_id: "poisoned", version: 2 }],
      },
    ]);
    expect((await client.get("/documents/documents/poisoned")).body).toMatchObject({
      version: 2,
      data: { title: "Forbidden" },
    });
    expect(await listed()).toEqual([]);
    expect((await readLife("p1")).body).toMatchObject({
      status: "success",
      batch_id: body["batch_id"],
      reason: null,
      replayable: false,
      applied: { seq: expect.any(Number) },
    });

    // A device that resends it gets the new outcome, and it is not applied twice.
    const again = await client.post(batch);
    expect(again.body.results).toMatchObject([
      { status: "success", version: 2, replayed: true },
      { replayed: true },
    ]);
    const twice = await replay("p1");
    expect([twice.status, twice.body]).toMatchObject([
      409,
      { type: "urn:syncline:problem:not-replayable", detail: expect.stringContaining("the status success") },
    ]);
  });

  it("evaluates an operation against the current document, with its original content", async () => {
    const { body: first } = await client.post({
      device_id,
      operations: [update("u1", "later", { title: "Here" })],
    });
    expect(first.results).toMatchObject([{ error_type: "document_not_found" }]);
    await client.post({ device_id: "dev_2", operations: [put("u0", "later", { n: 1 })] });
    expect((await replay("u1")).body).toMatchObject({ results: [{ status: "success", version: 2 }] });
    expect((await client.get("/documents/documents/later")).body).toMatchObject({
      data: { n: 1, title: "Here" },
    });
  });

  it("sent several times at once has one effect", async () => {
    await client.post({ device_id, operations: [update("s1", "once", { title: "Here" })] });
    await client.post({ device_id, operations: [put("s0", "once", {})] });
    const answers = await Promise.all([1, 2, 3, 4].map(() => replay("s1")));
    for (const { status, body } of answers) {
      if (status === 200) expect(body).toMatchObject({ results: [{ status: "success", version: 2 }] });
      else expect(status).toBe(409);
    }
    expect(answers.some(({ status }) => status === 200)).toBe(true);
    expect((await client.get("/documents/documents/once")).body).toMatchObject({ version: 2 });
  });

  it("of an operation without a device names none: the subject that sent it stands in", async () => {
    await client.post({ operations: [update("n1", "own", { title: "Here" })] });
    await client.post({ operations: [put("n0", "own", {})] });
    const { status, body } = await replay("n1", { device: null });
    expect([status, body]).toMatchObject([200, { results: [{ status: "success", version: 2 }] }]);
  });

  it("is answered 202 if the client does not wait", async () => {
    await client.post({ device_id, operations: [update("a1", "async", {})] });
    await client.post({ device_id, operations: [put("a0", "async", {})] });
    const { status, headers } = await replay("a1", { headers: { prefer: "respond-async" } });
    expect(status).toBe(202);
    await eventually(async () =>
      expect((await client.getAbsolute(headers.get("location") ?? "")).body).toMatchObject({
        status: "completed",
      }),
    );
  });

  it("is for failed operations outside groups: a group's siblings would be missing", async () => {
    await client.post({
      device_id,
      atomic: true,
      operations: [put("g1", "grouped"), update("g2", "nowhere", {})],
    });
    const grouped = await replay("g2");
    expect([grouped.status, grouped.body]).toMatchObject([409, { detail: expect.stringContaining("group") }]);
    await client.post({ device_id, operations: [put("c1", "conflicting", {})] });
    await client.post({
      device_id,
      on_conflict: "report",
      operations: [{ ...put("c2", "conflicting"), expected_version: 99 }],
    });
    const conflicting = await replay("c2");
    expect([conflicting.status, conflicting.body]).toMatchObject([
      409,
      { detail: expect.stringContaining("the status conflict") },
    ]);
    expect((await replay("never")).status).toBe(404);
    expect((await replay("c1", { device: "dev_2" })).status).toBe(404);
  });

  it("is for admins of the workspace", async () => {
    await client.post({ device_id, operations: [update("w1", "nowhere", {})] });
    const { workspaceId } = client;
    for (const roles of [{ [workspaceId]: "writer" }, { other: "admin" }] satisfies Roles[]) {
      expect((await replay("w1", { roles })).status).toBe(403);
    }
    const elsewhere = await createClient(system);
    expect((await replay("w1", { workspaceId: elsewhere.workspaceId })).status).toBe(404);
  });
});
