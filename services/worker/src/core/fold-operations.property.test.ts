import type { JsonObject } from "@syncline/shared/document";
import type { EditTimes } from "@syncline/shared/merge";
import { foldOperations, type FoldedOperation, type UnsentOperation } from "@syncline/shared/effects";
import { applyRun } from "@syncline/shared/operations";
import { documentKey, type OperationResult } from "@syncline/shared/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batchEntry, MemoryTables, type GivenBatch, type GivenOperation } from "../testing/memory-tables.ts";
import { randomContent, randomStrategy } from "../testing/random-history.ts";
import { resolveConflict } from "../testing/resolve-conflict.ts";

const DEVICE = "d1";
const DOCUMENTS = ["doc-1", "doc-2"];

/** The batches that were applied before the queue is sent. */
const past = fc.array(
  fc.record({
    device: fc.constantFrom(DEVICE, "d2"),
    kind: fc.constantFrom("put", "put", "delete"),
    a: fc.nat(2),
  }),
  { maxLength: 3 },
);

/** A device's offline operations: most of them are stacked on one version, or on none. */
const queue = fc.record({
  base: fc.constantFrom(undefined, 0, 1, 2, 3),
  operations: fc.array(
    fc.record({
      content: randomContent,
      documentId: fc.constantFrom("doc-1", "doc-1", "doc-1", "doc-2"),
      stacking: fc.constantFrom("on the base", "on the base", "on another version", "on whatever is there"),
      group: fc.constantFrom(...Array<undefined>(9), "g"),
    }),
    { minLength: 2, maxLength: 6 },
  ),
});
type Queue = typeof queue extends fc.Arbitrary<infer T> ? T : never;

/** No device names a version that it never received. */
function queueOf({ base, operations }: Queue, newestVersion: number): UnsentOperation[] {
  return operations.map(({ content, documentId, stacking, group }, index) => {
    const newest = documentId === "doc-1" ? newestVersion : 0;
    const version = { "on the base": base, "on another version": 1, "on whatever is there": undefined }[
      stacking
    ];
    return {
      clientId: `queued-${index}`,
      collection: "documents",
      documentId,
      kind: content.kind,
      ...content.content,
      ...(version === undefined ? {} : { expectedVersion: Math.min(version, newest) }),
      ...(group === undefined ? {} : { group }),
    };
  });
}

function tablesAfter(past: readonly GivenBatch[]): MemoryTables {
  const tables = new MemoryTables();
  for (const batch of past) tables.drain(batchEntry(batch));
  return tables;
}

const documentOf = (tables: MemoryTables, documentId: string) =>
  tables.documentByKey.get(documentKey("w1", "documents", documentId)) ?? undefined;

/** The outcome of a batch: the documents once every conflict is merged, and each operation's last status. */
function outcomeOf(past: readonly GivenBatch[], batch: GivenBatch) {
  const tables = tablesAfter(past);
  const results = tables.drain(batchEntry(batch)).batches[0]?.results ?? [];
  const statusById = new Map<string, OperationResult["status"]>(
    results.map(({ client_id, status }) => [client_id, status]),
  );
  for (const conflict of tables.conflictById.values()) {
    if (conflict.status === "open") tables.drain(resolveConflict(tables, conflict, { isLastRound: true }));
  }
  for (const { clientId, status } of tables.ledgerRowByKey.values()) statusById.set(clientId, status);
  const documents = DOCUMENTS.map((documentId) => {
    const document = documentOf(tables, documentId);
    return document && { data: document.data, deleted: document.deleted };
  });
  const parked = [...tables.conflictById.values()]
    .filter(({ status }) => status === "parked")
    .map(({ result, overlapList }) => ({ result, overlaps: new Set(overlapList?.map((one) => one.path)) }));
  return { documents, parked, statusById };
}

/** Reports whether members of a fold change a place and revert it, which the fold does not express. */
function changesBack({ operation, members }: FoldedOperation, from: JsonObject | null): boolean {
  const places = (operations: readonly UnsentOperation[]) =>
    placesIn(applyRun(from, operations).times).sort().join(" ");
  return members.length > 1 && places(members) !== places([operation]);
}

function placesIn({ at, in: inner = {} }: EditTimes, path = ""): string[] {
  const below = Object.entries(inner).flatMap(([step, one]) => placesIn(one, `${path}/${step}`));
  return at === undefined ? below : [path, ...below];
}

/**
 * The least number of each outcome that makes the test meaningful. On average each is met at least twice as often,
 * with a margin of four standard deviations.
 */
const MET_AT_LEAST: Record<string, number> = {
  "success on a document": 50,
  "success on a tombstone": 5,
  "success on nothing": 15,
  "conflict on a document": 1,
  parked: 40,
  create: 8,
  put: 15,
  update: 100,
  delete: 60,
};

describe("a folded queue", () => {
  it("has the outcome of the unfolded queue, whatever it meets", () => {
    const seen = new Map<string, number>();
    const count = (name: string): unknown => seen.set(name, (seen.get(name) ?? 0) + 1);
    fc.assert(
      fc.property(past, queue, fc.option(randomStrategy), (writes, queued, onConflict) => {
        const past = writes.map(({ device, kind, a }): GivenBatch => {
          const operation: GivenOperation = kind === "put" ? { kind, data: { a, b: 0 } } : { kind };
          return { device, operations: [operation] };
        });
        const met = documentOf(tablesAfter(past), "doc-1");
        const operations = queueOf(queued, met?.version ?? 0);
        const folds = foldOperations(operations);
        const documents = [null, {}, ...past.map(({ operations: [operation] }) => operation?.data ?? null)];
        const isTimed = onConflict === "last-write-wins";
        fc.pre(!isTimed || !folds.some((fold) => documents.some((from) => changesBack(fold, from))));
        const batch = { device: DEVICE, ...(onConflict === null ? {} : { onConflict }) };
        const unfolded = outcomeOf(past, { ...batch, operations });
        const folded = outcomeOf(past, { ...batch, operations: folds.map(({ operation }) => operation) });

        expect(folded.documents).toEqual(unfolded.documents);
        expect(folded.parked).toEqual(unfolded.parked);
        for (const { operation, members } of folds) {
          const status = folded.statusById.get(operation.clientId);
          const alone = members.map(({ clientId }) => unfolded.statusById.get(clientId));
          expect(alone.at(-1)).toBe(status);
          expect(alone.every((one) => one === "success")).toBe(status === "success");
          if (members.length < 2) continue;
          const place = met === undefined ? "nothing" : met.deleted ? "a tombstone" : "a document";
          if (operation.documentId === "doc-1") count(`${status} on ${place}`);
          for (const { kind } of members) count(kind);
        }
        if (folded.parked.length > 0) count("parked");
      }),
      { numRuns: 3000 },
    );
    const tooSeldom = Object.entries(MET_AT_LEAST).filter(([name, min]) => (seen.get(name) ?? 0) < min);
    expect(tooSeldom).toEqual([]);
  });
});
