import type { ChangesBody, DocumentsBody, WorkspacesBody } from "@syncline/shared/protocol";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { borrowSystem, createClient, type Client, type System } from "../support/system.ts";

let system: System;
beforeAll(async () => {
  system = await borrowSystem();
});
afterAll(() => system.stop());

let client: Client;
beforeEach(async () => {
  client = await createClient(system);
  const put = (collection: string, document_id: string, n: number) => ({
    operation: "put",
    client_id: `${collection}_${document_id}_${n}`,
    collection,
    document_id,
    data: { n },
  });
  // Without a device nothing is folded: each operation is a change of its own.
  await client.post({ operations: [put("notes", "a", 1), put("notes", "b", 1), put("tasks", "t", 1)] });
  await client.post({ operations: [put("notes", "a", 2), put("notes", "c", 1)] });
  await client.post({
    operations: [{ operation: "delete", client_id: "gone", collection: "notes", document_id: "c" }],
  });
});

const seen = ({ changes }: ChangesBody) =>
  changes.map(({ document_id, version, deleted }) => [document_id, version, deleted]);

it("the feed with latest=true has of each document only its newest change, deletions included", async () => {
  const { body } = await client.get<ChangesBody>("/changes?latest=true");
  expect(seen(body)).toEqual([
    ["b", 1, false],
    ["t", 1, false],
    ["a", 2, false],
    ["c", 2, true],
  ]);
  expect([body.next, body.more]).toEqual([6, false]);
  const pages: unknown[] = [];
  for (let [since, more] = [3, true]; more;) {
    const page = (await client.get<ChangesBody>(`/changes?latest=true&limit=1&since=${since}`)).body;
    pages.push(...seen(page));
    [since, more] = [page.next, page.more];
  }
  expect(pages).toEqual([
    ["a", 2, false],
    ["c", 2, true],
  ]);
  expect((await client.get("/changes?latest=yes")).status).toBe(422);
});

it("a snapshot has the number of its documents, and only the collections that it names", async () => {
  const linesOf = async (query: string) => {
    const token = await system.syncline.token({ [client.workspaceId]: "reader" });
    const path = `/api/v1/workspaces/${client.workspaceId}/snapshot${query}`;
    const response = await fetch(system.syncline.ingestUrl + path, {
      headers: { authorization: `Bearer ${token}` },
    });
    return (await response.text())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  const all = await linesOf("");
  expect([all[0]?.["count"], all.length]).toEqual([3, 5]);
  const notes = await linesOf("?collections=notes&limit=1");
  expect(notes.map((line) => line["count"] ?? line["document_id"] ?? typeof line["next"])).toEqual([
    2,
    "a",
    "string",
  ]);
  const rest = await linesOf(
    `?collections=notes&after=${encodeURIComponent(String(notes.at(-1)?.["next"]))}`,
  );
  expect(rest.map((line) => line["document_id"])).toEqual([undefined, "b", undefined]);
  expect(rest[0]).not.toHaveProperty("count");
});

it("a collection lists its live documents by id, page by page, or those that are named", async () => {
  const list = async (query: string) => (await client.get<DocumentsBody>(`/documents/notes${query}`)).body;
  const idsOf = ({ documents }: DocumentsBody) => documents.map(({ document_id }) => document_id);
  const first = await list("?limit=1");
  expect([idsOf(first), first.next, first.more]).toEqual([["a"], "a", true]);
  const second = await list("?limit=1&after=a");
  expect([idsOf(second), second.next, second.more]).toEqual([["b"], null, false]);
  expect(idsOf(await list("?ids=b,c,t,never"))).toEqual(["b"]);
  expect((await client.get(`/documents/notes?ids=${"x,".repeat(100)}x`)).status).toBe(422);
});

it("a token lists its own workspaces, with role, epoch and seq", async () => {
  const { epoch } = (await client.get<ChangesBody>("/changes")).body;
  const token = await system.syncline.token({ [client.workspaceId]: "reader", unused: "admin" });
  const response = await fetch(`${system.syncline.ingestUrl}/api/v1/workspaces`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(((await response.json()) as WorkspacesBody).workspaces).toEqual([
    { workspace_id: client.workspaceId, role: "reader", epoch, seq: 6 },
    { workspace_id: "unused", role: "admin", epoch, seq: 0 },
  ]);
});
