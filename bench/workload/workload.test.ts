import { applyMergePatch, type JsonObject } from "@syncline/shared/document";
import { expect, test } from "vitest";
import { seedDocuments, workspaceId, type Ground } from "./documents.ts";
import { Work, workspacesOf, type WorkKind, type WorkOperation } from "./workload.ts";

const GROUND: Ground = { workspaces: 10, documents: 1_000 };

function makeBatches(kind: WorkKind, connections: number, count: number): WorkOperation[][] {
  const work = new Work({ kind, ground: GROUND, seed: 7, connections, batchOperations: 50 });
  return Array.from({ length: count }, (_, index) => [...work.next(index % connections).operations]);
}

test.each([1, 4, 10, 20])(
  "over %i connections every operation names its document's version and the resulting one",
  (connections) => {
    const documents = new Map<string, { version: number; data: JsonObject | null }>();
    for (let workspace = 0; workspace < GROUND.workspaces; workspace++) {
      for (const { documentId, data } of seedDocuments(GROUND, workspace)) {
        documents.set(`${workspaceId(workspace)} ${documentId}`, { version: 1, data });
      }
    }
    for (const operation of makeBatches("mixed", connections, 100).flat()) {
      const key = `${operation.workspaceId} ${operation.documentId}`;
      const found = documents.get(key) ?? { version: 0, data: null };
      expect(operation.baseVersion).toBe(found.version);
      expect(operation.version).toBe(found.version + 1);
      if (operation.kind === "update") {
        expect(operation.document).toEqual(applyMergePatch(found.data ?? {}, operation.patch ?? {}));
      }
      documents.set(key, { version: operation.version, data: operation.document });
    }
  },
);

test("70 % are updates, 25 % creates, 5 % deletes, and the same seed makes the same operations", () => {
  const batches = makeBatches("mixed", 4, 200);
  const share = (kind: WorkOperation["kind"]) =>
    batches.flat().filter((operation) => operation.kind === kind).length / batches.flat().length;
  expect(share("update")).toBeCloseTo(0.7, 1);
  expect(share("create")).toBeCloseTo(0.25, 1);
  expect(share("delete")).toBeCloseTo(0.05, 1);
  expect(makeBatches("mixed", 4, 200)).toEqual(batches);
});

test("no document comes twice in a batch, and no operation's id twice at all", () => {
  const batches = makeBatches("mixed", 4, 100);
  for (const batch of batches) {
    expect(new Set(batch.map(({ documentId }) => documentId)).size).toBe(batch.length);
  }
  const ids = batches.flat().map(({ clientId }) => clientId);
  expect(new Set(ids).size).toBe(ids.length);
});

test("a burst is one document, whose edits all start from the version before it", () => {
  for (const batch of makeBatches("one document", 2, 10)) {
    expect(new Set(batch.map(({ documentId }) => documentId)).size).toBe(1);
    const [first] = batch;
    expect(batch.map(({ baseVersion }) => baseVersion)).toEqual(batch.map(() => first?.baseVersion));
    expect(batch.map(({ version }) => version)).toEqual(
      batch.map((_, index) => (first?.baseVersion ?? 0) + 1 + index),
    );
  }
});

test("every workspace belongs to a connection, or is shared out between several", () => {
  const owners = (connections: number) =>
    Array.from({ length: connections }, (_, connection) => workspacesOf(GROUND, connections, connection));
  expect(
    owners(3)
      .flat()
      .toSorted((a, b) => a - b),
  ).toEqual(Array.from({ length: 10 }, (_, index) => index));
  expect(owners(20).flat()).toHaveLength(20);
  const touched = makeBatches("updates", 20, 20).map((batch) => new Set(batch.map((o) => o.documentId)));
  expect([...(touched[3] ?? [])].filter((id) => touched[13]?.has(id))).toEqual([]);
});
