import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collideOn, type Collide } from "../support/collide.ts";
import { scrape } from "../support/metrics.ts";
import { createClient, startSystem, type Client, type System } from "../support/system.ts";

/** The memory of the conflict service's container for each hook process, in k8s/manifests.test.ts. */
const HOOK_PROCESS_MIB = 256;

let system: System;
let client: Client;
beforeAll(async () => {
  system = await startSystem({
    env: { POLICIES: "tests/support/failing-hooks.mjs", SWEEP_INTERVAL_MS: "200" },
  });
  client = await createClient(system);
});
afterAll(() => system.stop());

const collide = (...how: Parameters<Collide>) => collideOn(client, ...how);

describe("a collection's policy", () => {
  it("merges fields by their types", async () => {
    const { result, record, data } = await collide("notes", {
      ancestor: { body: "buy milk and bread", tags: ["a", "b"], views: 10 },
      remote: { body: "buy oat milk and bread", tags: ["b", "c"], views: 13 },
      local: { body: "buy milk and rye bread", tags: ["a", "b", "d"], views: 12 },
    });
    expect(result).toMatchObject({ status: "success", merged: true, overlaps: 0 });
    expect(record).toMatchObject({ status: "resolved", strategy: "merge", hook: null });
    expect({ ...data, tags: (data["tags"] as string[]).toSorted() }).toEqual({
      body: "buy oat milk and rye bread",
      tags: ["b", "c", "d"],
      views: 15,
    });
  });

  it("chooses the strategy if the batch names none", async () => {
    const sides = { ancestor: { a: 1 }, remote: { a: 2 }, local: { a: 3 } };
    const older = await collide("settings", { ...sides, timestamps: [2_000, 1_000] });
    expect([older.record["strategy"], older.data]).toEqual(["last-write-wins", { a: 2 }]);
    const named = await collide(
      "settings",
      { ...sides, timestamps: [2_000, 1_000] },
      { on_conflict: "merge" },
    );
    expect([named.record["strategy"], named.data]).toEqual(["merge", { a: 3 }]);
    const contract = await collide("contracts", sides);
    expect(contract.result).toMatchObject({ status: "conflict", error_type: "parked" });
    const other = await collide("others", sides);
    expect([other.record["strategy"], other.data]).toEqual(["merge", { a: 3 }]);
  });

  it("merges the fields of a group by its rules, but only if the batch asks for a merge", async () => {
    const sides = { ancestor: { views: 1 }, remote: { views: 2 }, local: { views: 3 } };
    const merged = await collide("notes", sides, { atomic: true, on_conflict: "merge" });
    expect([merged.result?.status, merged.data]).toEqual(["success", { views: 4 }]);
    const order = { ancestor: { quantity: 1 }, remote: { quantity: 3 }, local: { quantity: 2 } };
    const reported = await collide("orders", order, { atomic: true });
    expect(reported.record).toMatchObject({ status: "reported", hook: "skipped" });
  });

  it("decides before acceptance which roles may name another strategy", async () => {
    const { workspaceId } = client;
    const token = await system.syncline.token({ [workspaceId]: "writer" }, { subject: "bob" });
    const writer = await createClient(system, { workspaceId, token });
    let operations = 0;
    const post = (by: Client, collection: string, on_conflict: string) =>
      by.post({
        on_conflict,
        operations: [
          {
            operation: "put",
            client_id: `o${++operations}`,
            collection: "notes",
            document_id: "x",
            data: {},
          },
          { operation: "put", client_id: `o${++operations}`, collection, document_id: "x", data: {} },
        ],
      });
    const refused = await post(writer, "orders", "client-wins");
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({
      type: "urn:syncline:problem:override-not-allowed",
      operation: `o${operations}`,
      field: "/on_conflict",
    });
    expect((await writer.get("/documents/notes/x")).status).toBe(404);
    expect((await post(client, "orders", "client-wins")).status).toBe(200);
    expect((await post(client, "contracts", "client-wins")).status).toBe(403);
    expect((await post(writer, "contracts", "report")).status).toBe(200);
    expect((await post(writer, "orders", "merge")).status).toBe(200);
  });
});

describe("a hook", () => {
  const ancestor = { state: "open", price: 5, quantity: 1 };

  it("answers with a document", async () => {
    const sides = { ancestor, remote: { ...ancestor, quantity: 9 }, local: { ...ancestor, quantity: 2 } };
    const { result, record, data } = await collide("orders", sides);
    expect(result).toMatchObject({ status: "success", merged: true, overlaps: 0 });
    expect([record["status"], record["hook"], data]).toEqual([
      "resolved",
      "resolved",
      { ...ancestor, quantity: 9 },
    ]);
  });

  it("defers to a strategy, or to the policy's own", async () => {
    const shipped = {
      ancestor,
      remote: { ...ancestor, state: "shipped" },
      local: { ...ancestor, quantity: 2 },
    };
    const named = await collide("orders", shipped);
    expect(named.record).toMatchObject({ status: "resolved", hook: "deferred", strategy: "server-wins" });
    expect(named.data).toEqual(shipped.remote);
    const own = await collide("orders", {
      ancestor,
      remote: { ...ancestor, a: 1 },
      local: { ...ancestor, b: 1 },
    });
    expect(own.record).toMatchObject({ hook: "deferred", strategy: "merge" });
    expect(own.data).toEqual({ ...ancestor, a: 1, b: 1 });
  });

  it("asks a person", async () => {
    const sides = { ancestor, remote: { ...ancestor, price: 6 }, local: { ...ancestor, price: 7 } };
    const { result, record, data } = await collide("orders", sides);
    expect(result).toMatchObject({
      status: "conflict",
      error_type: "parked",
      error: "Both sides changed the price",
    });
    expect(record).toMatchObject({ status: "parked", hook: "asked", reason: "Both sides changed the price" });
    expect(data).toEqual(sides.remote);
  });

  it("is not called if the batch names another strategy", async () => {
    const sides = { ancestor, remote: { ...ancestor, price: 6 }, local: { ...ancestor, price: 7 } };
    const { record, data } = await collide("orders", sides, { on_conflict: "client-wins" });
    expect([record["hook"], data]).toEqual([null, sides.local]);
  });

  it.each(["throwing", "rejecting", "exiting", "talking", "naming", "dating", "silent", "looping", "hungry"])(
    "that fails leaves the decision to the strategy: %s",
    async (collection) => {
      const sides = {
        ancestor: { a: 1, title: "t" },
        remote: { a: 2, title: "t" },
        local: { a: 1, title: "u" },
      };
      const { record, data } = await collide(collection, sides);
      expect(record).toMatchObject({ status: "resolved", hook: "failed", strategy: "merge" });
      expect(data).toEqual({ a: 2, title: "u" });
    },
    120_000,
  );

  it("is given documents with the maximum number of values", async () => {
    const ancestor = Object.fromEntries(Array.from({ length: 24_000 }, (_, n) => [`key_${n}`, `value ${n}`]));
    const sides = { ancestor, remote: { ...ancestor, a: 1 }, local: { ...ancestor, b: 1 } };
    const { record, data } = await collide("slow", sides);
    expect(record["hook"]).toBe("resolved");
    expect(data).toEqual({ ...sides.local, slow: true });
  });

  it("that exhausts its memory has used no more than its share of the container's", async () => {
    const folder = await mkdtemp(join(tmpdir(), "hooks-"));
    const rss = join(folder, "rss");
    const { record } = await collide("hungry", {
      ancestor: { a: 1 },
      remote: { a: 2 },
      local: { a: 1, b: 1, rss },
    });
    expect(record["hook"]).toBe("failed");
    expect(Number(await readFile(rss, "utf8"))).toBeLessThan(HOOK_PROCESS_MIB * 1024 * 1024);
    await rm(folder, { recursive: true });
  });

  it("is counted by its outcome", async () => {
    const sides = { ancestor: { a: 1 }, remote: { a: 2 }, local: { a: 1, b: 1 } };
    for (const collection of ["throwing", "silent", "slow"]) await collide(collection, sides);
    const { rows } = await system.pool.query<{ failed: number; answered: number }>(
      `SELECT count(*) FILTER (WHERE hook = 'failed')::int AS failed,
         count(*) FILTER (WHERE hook IN ('resolved', 'deferred', 'asked'))::int AS answered
       FROM conflicts`,
    );
    const families = await scrape(system.syncline.conflictUrl);
    const calls = Object.groupBy(families.get("syncline_hook_calls_total")?.samples ?? [], ({ labels }) =>
      labels["syncline_hook_outcome"] === "answered" ? "answered" : "failed",
    );
    const sum = (samples: { value: number }[] = []) => samples.reduce((all, { value }) => all + value, 0);
    // A round may run twice, so a hook may have been called more often than a record says.
    expect(sum(calls.failed)).toBeGreaterThanOrEqual(rows[0]?.failed ?? Infinity);
    expect(sum(calls.answered)).toBeGreaterThanOrEqual(rows[0]?.answered ?? Infinity);
  });

  it("that hangs delays no other one", async () => {
    const folder = await mkdtemp(join(tmpdir(), "hooks-"));
    const until = join(folder, "until");
    const sides = { ancestor: { a: 1 }, remote: { a: 2 }, local: { a: 1, b: 1, until } };
    const hookOf = async (collection: string) => (await collide(collection, sides)).record["hook"];
    const stubborn = hookOf("stubborn");
    const others = Promise.all(["slow", "slow", "notes"].map(hookOf));
    expect(await Promise.race([others, stubborn])).toEqual(["resolved", "resolved", null]);
    await writeFile(until, "");
    expect(await stubborn).toBe("failed");
    await rm(folder, { recursive: true });
  });
});

describe("a collection's schema", () => {
  let written = 0;
  const write = async (data: object, more: object = {}, by = "phone") => {
    const sent = { operation: "put", collection: "bookings", client_id: `write_${++written}`, data, ...more };
    const { body } = await client.post({ device_id: by, operations: [sent] });
    return body.results[0];
  };
  const read = async (document_id: string) =>
    (await client.get<{ data: object }>(`/documents/bookings/${document_id}`)).body.data;

  it("refuses an operation, and names the places", async () => {
    const document_id = "refused";
    expect(await write({ table: 1 }, { document_id })).toMatchObject({ status: "success", version: 1 });
    const refused = await write({ table: 0, guests: ["Ann", 2] }, { document_id });
    expect(refused).toMatchObject({
      status: "error",
      error_type: "schema_violation",
      action: "resend-new",
      error: expect.stringMatching(/\/table: must be >= 1; .*\/guests\/1: must be string/) as string,
    });
    const update = { operation: "update", document_id, data: { table: null } };
    expect(await write({}, update)).toMatchObject({ error_type: "schema_violation" });
    expect(await read(document_id)).toEqual({ table: 1 });
  });

  it("leaves a merge that violates it to a person, whose decision must conform", async () => {
    const { result, record } = await collide("bookings", {
      ancestor: { table: 1, guests: ["Ann", "Bob"] },
      remote: { table: 1, guests: ["Ann", "Bob", "Cid"] },
      local: { table: 1, guests: ["Ann", "Bob", "Dan", "Eve"] },
    });
    expect(result).toMatchObject({ status: "conflict", error_type: "parked" });
    expect(record).toMatchObject({
      status: "parked",
      reason: expect.stringContaining("/guests: must NOT have more than 4 items") as string,
    });
    const id = String(record["conflict_id"]);
    const refused = await client.resolve(id, { choice: "merged" });
    expect(refused.body).toMatchObject({ results: [{ status: "error", error_type: "schema_violation" }] });
    expect((await client.get(`/conflicts/${id}`)).body).toMatchObject({ status: "parked" });
    const conforms = await client.resolve(id, { choice: "local" });
    expect(conforms.body).toMatchObject({ results: [{ status: "success", decided: "local" }] });
  });

  it("leaves a document that is older than it readable, to be mended", async () => {
    const { workspaceId } = client;
    await write({ table: 1 }, { document_id: "old" });
    for (const table of ["documents", "changes"]) {
      const sql = `UPDATE ${table} SET data = '{"seats":2}' WHERE workspace_id = $1 AND document_id = 'old'`;
      await system.pool.query(sql, [workspaceId]);
    }
    expect(await read("old")).toEqual({ seats: 2 });
    const update = (data: object) => write({}, { operation: "update", document_id: "old", data });
    expect(await update({ seats: 3 })).toMatchObject({ error_type: "schema_violation" });
    expect(await update({ table: 2 })).toMatchObject({ status: "success" });
    expect(await read("old")).toEqual({ seats: 2, table: 2 });
  });

  it.each([
    ["loops", /took longer|TimeLimitExceeded/],
    ["throws", /threw RangeError/],
    ["waits", /returned a promise/],
  ])("that %s fails the operation alone, and says so", async (how, reason) => {
    const of = { collection: "validating" };
    const refused = await write({ [how]: true, title: "mine" }, { ...of, document_id: how });
    expect(refused).toMatchObject({ status: "error", error_type: "operation_refused" });
    expect(refused?.error).toMatch(reason);
    expect(refused?.error).not.toContain("secret");
    expect(await write({ title: "mine" }, { ...of, document_id: how })).toMatchObject({ status: "success" });
  });
});

it("is documented with the example that runs here", async () => {
  const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");
  const example = await read("examples/policies/policies.mjs");
  expect(await read("docs/policies.md")).toContain(example.slice(example.indexOf("export default")));
});

describe("an invalid module of policies", () => {
  it.each([
    ["a missing one", undefined, "which does not exist"],
    ["one with a mistake", `export default { default: { strategy: "theirs" } };`, "default.strategy"],
    [
      "one with a schema that is asynchronous",
      `export default { default: { schema: { $async: true, type: "object" } } };`,
      "default.schema: The collection's schema cannot be used: it returned a promise",
    ],
    ["one without a default export", "export const policies = {};", "It has no default export."],
  ])("stops the start: %s", async (_, source, reason) => {
    const folder = await mkdtemp(join(tmpdir(), "policies-"));
    const file = join(folder, "policies.mjs");
    if (source !== undefined) await writeFile(file, source);
    const start = async () => {
      const started = await startSystem({ env: { POLICIES: file } });
      await started.stop();
    };
    await expect(start()).rejects.toThrow(reason);
    await rm(folder, { recursive: true });
  });
});
