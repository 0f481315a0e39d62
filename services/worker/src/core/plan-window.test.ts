import type { JsonObject } from "@syncline/shared/document";
import {
  documentKey,
  type LaneEntry,
  type MergeOutcome,
  type Resolution,
  type StoredEntry,
} from "@syncline/shared/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  batchEntry,
  MemoryTables,
  type GivenBatch,
  type GivenOperation,
  type PlainPlan,
} from "../testing/memory-tables.ts";
import { resolveConflict } from "../testing/resolve-conflict.ts";

const create = (data: JsonObject, more: Partial<GivenOperation> = {}): GivenOperation => ({
  kind: "create",
  data,
  ...more,
});
const put = (data: JsonObject, more: Partial<GivenOperation> = {}): GivenOperation => ({
  kind: "put",
  data,
  ...more,
});
const update = (data: JsonObject, more: Partial<GivenOperation> = {}): GivenOperation => ({
  kind: "update",
  data,
  ...more,
});
const remove = (more: Partial<GivenOperation> = {}): GivenOperation => ({ kind: "delete", ...more });

const resultsOf = (plan: PlainPlan, batch = 0) => plan.batches[batch]?.results ?? [];
const statuses = (plan: PlainPlan, batch = 0) => resultsOf(plan, batch).map((result) => result.status);

/** A document that device `d0` has brought to a version, with other devices' writes on top. */
function tablesAt(version: number, ...writers: string[]): MemoryTables {
  const tables = new MemoryTables();
  for (let v = 1; v <= version; v++) {
    tables.drain(batchEntry({ device: writers[v - 1] ?? "d0", operations: [put({ v })] }));
  }
  return tables;
}

describe("an operation and the state it meets", () => {
  it.each<[string, MemoryTables, GivenOperation, string, string?]>([
    ["create of an absent document", new MemoryTables(), create({ a: 1 }), "success"],
    ["create of a live document", tablesAt(1), create({ a: 1 }), "pending"],
    [
      "update of a document that never existed",
      new MemoryTables(),
      update({ a: 1 }),
      "error",
      "document_not_found",
    ],
    ["delete of a document that never existed", new MemoryTables(), remove(), "success"],
    [
      "put with expected version 0 of an absent document",
      new MemoryTables(),
      put({}, { expectedVersion: 0 }),
      "success",
    ],
    [
      "put with expected version 0 of a live document",
      tablesAt(1),
      put({}, { expectedVersion: 0 }),
      "pending",
    ],
    [
      "put with an expected version of an absent document",
      new MemoryTables(),
      put({}, { expectedVersion: 1 }),
      "pending",
    ],
    ["update with the current version", tablesAt(2), update({ a: 1 }, { expectedVersion: 2 }), "success"],
    ["update with an older version", tablesAt(2), update({ a: 1 }, { expectedVersion: 1 }), "pending"],
    ["update with a version ahead", tablesAt(2), update({ a: 1 }, { expectedVersion: 3 }), "pending"],
    ["update without a version", tablesAt(2), update({ a: 1 }), "success"],
    ["delete with an older version", tablesAt(2), remove({ expectedVersion: 1 }), "pending"],
  ])("%s", (_name, tables, operation, status, errorType) => {
    const plan = tables.drain(batchEntry({ operations: [operation] }));
    expect(statuses(plan)).toEqual([status]);
    expect(resultsOf(plan)[0]?.error_type).toBe(errorType);
    expect(plan.rounds).toHaveLength(status === "pending" ? 1 : 0);
  });

  it("creates on a tombstone, and the version continues", () => {
    const tables = tablesAt(1);
    tables.drain(batchEntry({ operations: [remove()] }));
    const plan = tables.drain(batchEntry({ operations: [create({ a: 1 })] }));
    expect(resultsOf(plan)[0]).toMatchObject({ status: "success", version: 3 });
  });

  it("treats an update of a tombstone as delete against edit, from the last live version", () => {
    const tables = tablesAt(2);
    tables.drain(batchEntry({ operations: [remove()] }));
    const plan = tables.drain(batchEntry({ device: "d2", operations: [update({ a: 1 })] }));
    expect(plan.conflicts[0]).toMatchObject({ baseVersion: 2, currentVersion: 3 });
  });

  it("treats a version above a tombstone's as ahead", () => {
    const tables = tablesAt(1);
    tables.drain(batchEntry({ operations: [remove()] }));
    const plan = tables.drain(batchEntry({ operations: [update({ a: 1 }, { expectedVersion: 9 })] }));
    expect(plan.conflicts[0]).toMatchObject({ baseVersion: null });
  });

  it("lets no JSON Patch make data.id differ from the document's id", () => {
    const patch = [{ op: "add" as const, path: "/id", value: "another" }];
    const plan = tablesAt(1).drain(batchEntry({ operations: [{ kind: "update", patch }] }));
    expect(resultsOf(plan)[0]).toMatchObject({ status: "error", error_type: "id_mismatch" });
  });

  it("deletes a tombstone without a write, at the workspace's seq", () => {
    const tables = tablesAt(1);
    tables.drain(batchEntry({ operations: [remove()] }));
    const plan = tables.drain(batchEntry({ operations: [remove()] }));
    expect(plan.changes).toEqual([]);
    expect(resultsOf(plan)[0]).toMatchObject({ status: "success", version: 2, seq: 2 });
  });

  it("matches an older version if every change since came from the same device", () => {
    const tables = tablesAt(3, "d0", "d1", "d1");
    expect(
      statuses(tables.drain(batchEntry({ device: "d1", operations: [update({}, { expectedVersion: 1 })] }))),
    ).toEqual(["success"]);
  });

  it("does not match it for a batch without a device", () => {
    const tables = tablesAt(3, "d0", "d1", "d1");
    const batch = { device: "d1", deviceDeclared: false, operations: [update({}, { expectedVersion: 1 })] };
    expect(statuses(tables.drain(batchEntry(batch)))).toEqual(["pending"]);
  });

  it("does not match it if another device wrote in between", () => {
    const tables = tablesAt(3, "d1", "d2", "d1");
    expect(
      statuses(tables.drain(batchEntry({ device: "d1", operations: [update({}, { expectedVersion: 1 })] }))),
    ).toEqual(["pending"]);
  });

  it("treats a version of another epoch as unknown", () => {
    const batch = { epoch: "epoch-0", operations: [update({ a: 1 }, { expectedVersion: 1 })] };
    const plan = tablesAt(1).drain(batchEntry(batch));
    expect(plan.conflicts[0]).toMatchObject({ baseVersion: null });
  });
});

describe("an update of a document that this database lacks", () => {
  const ancestor = { title: "New", body: "" };
  const lost = (more: Partial<GivenOperation> = {}) => update({ title: "Mine" }, { ancestor, ...more });

  it.each<[string, Partial<GivenOperation>, string | undefined, string]>([
    ["and the version it had there", { expectedVersion: 7 }, "epoch-0", "other_epoch"],
    ["and a version that does not exist yet", { expectedVersion: 7 }, undefined, "version_ahead"],
    ["and no version", {}, undefined, "document_deleted"],
    ["and no version, from another epoch", {}, "epoch-0", "document_deleted"],
  ])("that carries its ancestor %s is an edit against a deletion, and stays", (_, more, epoch, reason) => {
    const tables = new MemoryTables();
    const plan = tables.drain(batchEntry({ ...(epoch && { epoch }), operations: [lost(more)] }));
    expect(plan.ledgerRows).toMatchObject([{ status: "pending", errorType: reason, currentVersion: 0 }]);
    const [conflict] = plan.conflicts;
    if (conflict === undefined) throw new Error("no conflict was opened");
    const settled = tables.drain(resolveConflict(tables, conflict, { isLastRound: false }));
    expect(settled.documents).toMatchObject([{ version: 1, data: { title: "Mine", body: "" } }]);
    expect(settled.conflicts).toMatchObject([
      { status: "resolved", ancestorView: ancestor, overlapList: [{ path: "", chosen: "local" }] },
    ]);
  });

  it("stays in a group that merges, too", () => {
    const batch = { atomic: true, onConflict: "merge", epoch: "epoch-0" } as const;
    const plan = new MemoryTables().drain(
      batchEntry({
        ...batch,
        operations: [create({}, { documentId: "other" }), lost({ expectedVersion: 7 })],
      }),
    );
    expect(statuses(plan)).toEqual(["success", "success"]);
    expect(plan.changes[1]).toMatchObject({ data: { title: "Mine", body: "" } });
  });

  it("is left to a person if the policy parks a deletion against an edit", () => {
    const tables = new MemoryTables();
    tables.policies = { collections: { documents: { deleteVsEdit: "park" } } };
    const batch = { atomic: true, onConflict: "merge" } as const;
    const plan = tables.drain(batchEntry({ ...batch, operations: [lost()] }));
    expect(plan.conflicts).toMatchObject([
      { status: "reported", result: { title: "Mine", body: "" }, overlapList: [{ undecided: true }] },
    ]);
  });
});

describe("once", () => {
  it("gives a resend the recorded result, in another batch and in the same window", () => {
    const tables = new MemoryTables();
    const operation = create({ a: 1 }, { clientId: "op-once" });
    const first = tables.drain(
      batchEntry({ operations: [operation] }),
      batchEntry({ operations: [operation] }),
    );
    expect(resultsOf(first, 1)[0]).toEqual({ ...resultsOf(first, 0)[0], replayed: true });
    const later = tables.drain(batchEntry({ operations: [operation] }));
    expect(resultsOf(later)[0]).toEqual({ ...resultsOf(first, 0)[0], replayed: true });
    expect(tables.changes).toHaveLength(1);
  });

  it("replays a refusal, too, even if the operation would pass by now", () => {
    const tables = new MemoryTables();
    const operation = update({ a: 1 }, { clientId: "op-refused" });
    tables.drain(batchEntry({ operations: [operation] }));
    tables.drain(batchEntry({ operations: [create({})] }));
    const again = tables.drain(batchEntry({ operations: [operation] }));
    expect(resultsOf(again)[0]).toMatchObject({
      status: "error",
      error_type: "document_not_found",
      replayed: true,
    });
  });

  it("refuses different content under the same client_id", () => {
    const tables = new MemoryTables();
    tables.drain(batchEntry({ operations: [create({ a: 1 }, { clientId: "op-x" })] }));
    const reused = create({ a: 2 }, { clientId: "op-x", fingerprint: "another" });
    const plan = tables.drain(batchEntry({ operations: [reused] }));
    expect(resultsOf(plan)[0]).toMatchObject({ status: "error", error_type: "client_id_reused" });
  });

  it("takes a batch once that was appended twice because its first answer was lost", () => {
    const tables = new MemoryTables();
    const entry = batchEntry({ operations: [create({ a: 1 })] });
    const plan = tables.drain(entry, entry);
    expect(plan.batches).toHaveLength(1);
    expect(plan.ledgerRows).toHaveLength(1);
  });

  it("answers an entry that comes again after its commit as it did the first time", () => {
    const tables = new MemoryTables();
    const entry = batchEntry({ operations: [create({ a: 1 }), update({ a: 2 }, { documentId: "none" })] });
    const first = tables.drain(entry);
    const again = tables.drain(entry);
    expect(again.replies).toEqual(first.replies);
    expect(again.workspaces).toEqual([]);
  });
});

describe("folding", () => {
  it("keeps a document that was edited and then deleted as the one that the deletion ended", () => {
    const tables = tablesAt(1);
    const operations = [update({ a: 1 }), remove(), put({ a: 2 }), update({ b: 2 }), remove(), remove()];
    const plan = tables.drain(batchEntry({ device: "d0", operations }));
    expect(plan.changes).toMatchObject([
      { firstVersion: 2, version: 3, data: null, ended: { v: 1, a: 1 } },
      { firstVersion: 4, version: 6, data: null, ended: { a: 2, b: 2 } },
    ]);
  });

  it("writes a device's run on a document once, and answers as one by one", () => {
    const tables = new MemoryTables();
    const plan = tables.drain(
      batchEntry({ operations: [create({ a: 1 }), update({ b: 2 }), update({ a: null })] }),
    );
    expect(plan.changes).toMatchObject([{ firstVersion: 1, version: 3, data: { b: 2 } }]);
    expect(resultsOf(plan).map(({ version, seq }) => [version, seq])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
  });

  it("leaves a tombstone and a change if a document is created and deleted", () => {
    const plan = new MemoryTables().drain(batchEntry({ operations: [create({ a: 1 }), remove()] }));
    expect(plan.changes).toMatchObject([{ version: 2, data: null }]);
    expect(plan.documents).toMatchObject([{ version: 2, deleted: true }]);
  });

  it.each<[string, GivenBatch[]]>([
    [
      "two devices",
      [
        { device: "d1", operations: [put({ a: 1 })] },
        { device: "d2", operations: [put({ a: 2 })] },
      ],
    ],
    ["a device without an id", [{ deviceDeclared: false, operations: [put({ a: 1 }), put({ a: 2 })] }]],
    ["a group's edge", [{ operations: [put({ a: 1 })] }, { atomic: true, operations: [put({ a: 2 })] }]],
    [
      "another operation of the device, so that a child never shows before its parent",
      [{ operations: [put({ a: 1 }), put({ b: 1 }, { documentId: "child" }), put({ a: 2 })] }],
    ],
  ])("never crosses %s", (_name, batches) => {
    const tables = new MemoryTables();
    const plan = tables.drain(...batches.map(batchEntry));
    const ofDocument = plan.changes.filter((change) => change.documentId === "doc-1");
    expect(ofDocument.map((change) => change.data)).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it("refuses a JSON Patch that fails inside a run, and that operation alone", () => {
    const plan = new MemoryTables().drain(
      batchEntry({
        operations: [
          create({ a: 1 }),
          { kind: "update", patch: [{ op: "test", path: "/a", value: 2 }] },
          { kind: "update", patch: [{ op: "replace", path: "/a", value: 3 }] },
        ],
      }),
    );
    expect(statuses(plan)).toEqual(["success", "error", "success"]);
    expect(plan.documents).toMatchObject([{ version: 2, data: { a: 3 } }]);
  });
});

describe("version 0 behind the device's own create", () => {
  const created = () => [create({ a: 1, b: 1 }), update({ b: 2 }, { expectedVersion: 0 })];
  const entries = () => [
    batchEntry({ device: "d1", operations: created() }),
    batchEntry({ device: "d2", operations: [update({ a: 2 })] }),
    batchEntry({ device: "d1", operations: [put({ a: 1, b: 3 }, { expectedVersion: 0 })] }),
    batchEntry({ device: "d1", operations: [put({ a: 1, b: 4 }, { expectedVersion: 0 })] }),
  ];
  const drained = (windows: LaneEntry[][]) => {
    const tables = new MemoryTables();
    for (const window of windows) tables.drain(...window);
    const [conflict] = tables.conflictById.values();
    if (conflict === undefined) throw new Error("no conflict was opened");
    const resolution = resolveConflict(tables, conflict, { isLastRound: false });
    tables.drain(resolution);
    return {
      ancestor: resolution.resolution.inputs.ancestor,
      document: tables.documentByKey.values().next().value?.data,
    };
  };

  it("is what the device made of the document, however its operations are batched", () => {
    const [first, second, third, fourth] = entries() as [LaneEntry, LaneEntry, LaneEntry, LaneEntry];
    for (const windows of [
      [[first, second, third, fourth]],
      [[first], [second], [third], [fourth]],
      [
        [first, second],
        [third, fourth],
      ],
    ]) {
      expect(drained(windows)).toEqual({ ancestor: { a: 1, b: 2 }, document: { a: 2, b: 4 } });
    }
  });

  it.each(["in one window", "after it was read"])("is known to a group, %s", (how) => {
    const tables = new MemoryTables();
    const [first, second] = entries() as [LaneEntry, LaneEntry];
    const group = batchEntry({
      device: "d1",
      atomic: true,
      onConflict: "merge",
      operations: [put({ a: 1, b: 3 }, { expectedVersion: 0 })],
    });
    if (how === "in one window") tables.drain(first, second, group);
    else for (const entry of [first, second, group]) tables.drain(entry);
    expect(tables.documentByKey.values().next().value?.data).toEqual({ a: 2, b: 3 });
  });

  it("is no document for a further create", () => {
    const tables = new MemoryTables();
    const [first, second] = entries() as [LaneEntry, LaneEntry];
    tables.drain(first, second, batchEntry({ device: "d1", operations: [create({ c: 1 })] }));
    const [conflict] = tables.conflictById.values();
    const { resolution } = resolveConflict(tables, conflict!, { isLastRound: false });
    expect(resolution.inputs.ancestor).toEqual({});
  });
});

describe("groups", () => {
  it("undoes everything if one operation fails, and names the failing one", () => {
    const tables = new MemoryTables();
    const plan = tables.drain(
      batchEntry({ operations: [create({ a: 1 })] }),
      batchEntry({
        atomic: true,
        operations: [update({ a: 2 }), update({}, { documentId: "none" }), remove()],
      }),
    );
    expect(statuses(plan, 1)).toEqual(["skipped", "error", "skipped"]);
    expect(plan.documents).toMatchObject([{ version: 1, data: { a: 1 } }]);
    expect(plan.changes).toHaveLength(1);
    expect(plan.ledgerRows.map((row) => row.status).toSorted((a, b) => a.localeCompare(b))).toEqual([
      "error",
      "skipped",
      "skipped",
      "success",
    ]);
  });

  it("reports a mismatch instead of merging it", () => {
    const plan = tablesAt(2).drain(
      batchEntry({
        atomic: true,
        operations: [put({}, { documentId: "other" }), update({}, { expectedVersion: 1 })],
      }),
    );
    expect(statuses(plan)).toEqual(["skipped", "conflict"]);
    expect(plan.rounds).toEqual([]);
    expect(plan.changes).toEqual([]);
  });

  it("reports an operation that an earlier batch applied as applied", () => {
    const tables = new MemoryTables();
    const applied = create({ a: 1 }, { clientId: "applied" });
    tables.drain(batchEntry({ operations: [applied] }));
    const plan = tables.drain(
      batchEntry({ atomic: true, operations: [applied, update({}, { documentId: "none" })] }),
    );
    expect(statuses(plan)).toEqual(["success", "error"]);
    expect(resultsOf(plan)[0]).toMatchObject({ replayed: true, version: 1 });
  });

  describe("with an operation that was skipped, which comes again", () => {
    const sibling = (more: Partial<GivenOperation> = {}) => create({}, { clientId: "sibling", ...more });
    const failing = () => update({}, { documentId: "none" });
    const inGroup = (group: string, ...operations: GivenOperation[]) =>
      batchEntry({ operations: operations.map((operation) => ({ ...operation, group })) });
    const atomic = (...operations: GivenOperation[]) => batchEntry({ atomic: true, operations });
    const alone = (...operations: GivenOperation[]) => batchEntry({ operations });

    it.each([
      ["in its group", inGroup("g", sibling(), failing()), inGroup("g", sibling())],
      ["in an atomic batch again", atomic(failing(), sibling()), atomic(sibling())],
    ])("evaluate it anew %s", (_, first, again) => {
      const tables = new MemoryTables();
      tables.drain(first);
      expect(resultsOf(tables.drain(again))[0]).toMatchObject({ status: "success", version: 1 });
      const replayed = tables.drain(alone(sibling()));
      expect(resultsOf(replayed)[0]).toMatchObject({ status: "success", version: 1, replayed: true });
    });

    it.each([
      ["alone", inGroup("g", sibling(), failing()), alone(sibling())],
      ["alone in the same window", inGroup("g", sibling(), failing()), alone(sibling())],
      ["in another group", inGroup("g", failing(), sibling()), inGroup("h", sibling())],
      ["in an atomic batch", inGroup("g", failing(), sibling()), atomic(sibling())],
      ["alone, without its atomic batch", atomic(sibling(), failing()), alone(sibling())],
      [
        "with other content",
        inGroup("g", sibling(), failing()),
        inGroup("g", sibling({ fingerprint: "other" })),
      ],
    ])("refuse it %s", (title, first, again) => {
      const tables = new MemoryTables();
      const isOneWindow = title.includes("same window");
      const plan = isOneWindow ? tables.drain(first, again) : (tables.drain(first), tables.drain(again));
      const [result] = resultsOf(plan, isOneWindow ? 1 : 0);
      expect(result).toMatchObject({ status: "error", error_type: "client_id_reused" });
      expect(tables.changes).toEqual([]);
      // The refusal is not recorded: with its group it still passes.
      const whole = first.batch.atomic ? atomic(sibling()) : inGroup("g", sibling());
      expect(statuses(tables.drain(whole))).toEqual(["success"]);
    });
  });

  it("fails if one of its operations is still being merged from before", () => {
    const tables = tablesAt(2);
    const merging = update({ a: 1 }, { clientId: "merging", expectedVersion: 1 });
    tables.drain(batchEntry({ operations: [merging] }));
    const plan = tables.drain(
      batchEntry({ atomic: true, operations: [put({}, { documentId: "other" }), merging] }),
    );
    expect(statuses(plan)).toEqual(["skipped", "conflict"]);
    expect(plan.changes).toEqual([]);
  });

  it("lets operations outside the group pass", () => {
    const plan = new MemoryTables().drain(
      batchEntry({
        operations: [
          create({ a: 1 }, { group: "g" }),
          update({}, { documentId: "none", group: "g" }),
          create({ b: 1 }, { documentId: "free" }),
        ],
      }),
    );
    expect(statuses(plan)).toEqual(["skipped", "error", "success"]);
  });
});

describe("a document that would be too large", () => {
  const grow = (name: string, more: Partial<GivenOperation> = {}) =>
    update({ [name]: "x".repeat(400_000) }, more);
  const sizes = (tables: MemoryTables) => tables.changes.map(({ data }) => Object.keys(data ?? {}).length);

  it("is the error of the operation that makes it so, and the others proceed", () => {
    const tables = new MemoryTables();
    const plan = tables.drain(
      batchEntry({
        operations: [create({}), grow("a"), grow("b"), grow("c"), update({ a: null }), grow("c")],
      }),
    );
    expect(statuses(plan)).toEqual(["success", "success", "success", "error", "success", "success"]);
    expect(resultsOf(plan)[3]?.error_type).toBe("document_too_large");
    expect(resultsOf(plan)[5]?.version).toBe(5);
  });

  it("is never written, however many devices grow it", () => {
    const tables = new MemoryTables();
    tables.drain(batchEntry({ operations: [create({})] }));
    for (const name of ["a", "b", "c", "d"]) {
      tables.drain(batchEntry({ device: name, operations: [grow(name)] }));
    }
    expect(sizes(tables)).toEqual([0, 1, 2]);
  });

  it("fails its group, which changes no document", () => {
    const tables = new MemoryTables();
    tables.drain(batchEntry({ operations: [create({})] }));
    const plan = tables.drain(batchEntry({ atomic: true, operations: [grow("a"), grow("b"), grow("c")] }));
    expect(statuses(plan)).toEqual(["skipped", "skipped", "error"]);
    expect(resultsOf(plan)[2]?.error_type).toBe("document_too_large");
    expect(sizes(tables)).toEqual([0]);
  });

  it.each([false, true])(
    "is left to a person if a merge results in it, in the last round: %s",
    (isLastRound) => {
      const tables = new MemoryTables();
      tables.drain(batchEntry({ operations: [create({})] }));
      tables.drain(batchEntry({ device: "d1", operations: [grow("a")] }));
      const [conflict] = tables.drain(
        batchEntry({ device: "d2", operations: [grow("b", { expectedVersion: 1 })] }),
      ).conflicts;
      if (conflict === undefined) throw new Error("there is no conflict");
      const grown = batchEntry({ device: "d1", operations: [grow("c")] });
      if (!isLastRound) tables.drain(grown);
      const resolution = resolveConflict(tables, conflict, { isLastRound });
      if (isLastRound) tables.drain(grown);
      const plan = tables.drain(resolution);
      expect(plan.settled.map(({ result }) => [result.status, result.error_type])).toEqual([
        ["conflict", "parked"],
      ]);
      expect(plan.rounds).toEqual([]);
      expect(sizes(tables)).toEqual([0, 1, 2]);
    },
  );

  it("fails the group that is merged into it", () => {
    const tables = new MemoryTables();
    tables.drain(batchEntry({ operations: [create({})] }));
    tables.drain(batchEntry({ device: "d1", operations: [grow("a"), grow("b")] }));
    const operations = [grow("c", { expectedVersion: 1 })];
    const plan = tables.drain(batchEntry({ device: "d2", atomic: true, onConflict: "merge", operations }));
    expect(statuses(plan)).toEqual(["conflict"]);
    expect(plan.changes).toEqual([]);
  });
});

describe("conflicts", () => {
  const collide = (tables: MemoryTables, ...operations: GivenOperation[]) =>
    tables.drain(batchEntry({ device: "d9", operations }));
  const commit = (document: JsonObject | null): MergeOutcome => ({
    kind: "commit",
    document,
    overlaps: [],
    twoWay: false,
    refused: [],
  });
  function resolutionOf(tables: MemoryTables, more: Partial<Resolution> = {}): Resolution {
    const conflict = [...tables.conflictById.values()].findLast(({ status }) => status === "open");
    if (conflict === undefined) throw new Error("no conflict is open");
    const document = tables.documentByKey.get(documentKey("w1", "documents", "doc-1"));
    return {
      workspaceId: "w1",
      collection: "documents",
      documentId: "doc-1",
      conflictId: conflict.conflictId,
      round: conflict.round,
      expectedVersion: document?.version ?? 0,
      operationsCovered: conflict.operationCount,
      outcome: commit({ merged: true }),
      inputs: { ancestor: { v: 1 }, local: { v: 1, local: true }, localTimestampMs: null },
      rises: { seenVersion: 1, rose: null, refused: [], ended: null, overlaps: [], twoWay: false },
      isLastRound: false,
      ...more,
    };
  }
  const resolve = (tables: MemoryTables, more: Partial<Resolution> = {}) =>
    tables.drain({ kind: "resolution", resolution: resolutionOf(tables, more), trace: {} });

  it("holds the device's next operations on the document, by number or not, and merges them as one run", () => {
    const tables = tablesAt(2);
    const plan = collide(
      tables,
      update({ a: 1 }, { expectedVersion: 1 }),
      update({ b: 1 }),
      put({ c: 1 }, { documentId: "other" }),
    );
    expect(statuses(plan)).toEqual(["pending", "pending", "success"]);
    expect(statuses(collide(tables, update({ c: 1 }, { expectedVersion: 2 })))).toEqual(["pending"]);
    const merged = resolve(tables);
    expect(
      merged.settled.map(({ result }) => [result.status, result.version, result.merged, result.seq]),
    ).toEqual([
      ["success", 3, true, 4],
      ["success", 4, true, 4],
      ["success", 5, true, 4],
    ]);
    expect(merged.changes).toMatchObject([
      { firstVersion: 3, version: 5, deviceId: "d9", data: { merged: true } },
    ]);
  });

  it("lets other devices proceed meanwhile", () => {
    const tables = tablesAt(2);
    collide(tables, update({ a: 1 }, { expectedVersion: 1 }));
    expect(statuses(tables.drain(batchEntry({ device: "d2", operations: [update({ b: 1 })] })))).toEqual([
      "success",
    ]);
  });

  it("goes into the next round if the document has moved", () => {
    const tables = tablesAt(2);
    collide(tables, update({ a: 1 }, { expectedVersion: 1 }));
    const stale = resolutionOf(tables);
    tables.drain(batchEntry({ device: "d2", operations: [update({ b: 1 })] }));
    const plan = tables.drain({ kind: "resolution", resolution: stale, trace: {} });
    expect(plan.rounds).toMatchObject([{ round: 2 }]);
    expect(plan.changes).toEqual([]);
  });

  it("merges the last round in the drain, with the current document", () => {
    const tables = tablesAt(2);
    collide(tables, update({ local: true }, { expectedVersion: 1 }));
    const stale = resolutionOf(tables, { isLastRound: true });
    tables.drain(batchEntry({ device: "d2", operations: [put({ v: 2, b: 1 })] }));
    const plan = tables.drain({ kind: "resolution", resolution: stale, trace: {} });
    expect(plan.rounds).toEqual([]);
    expect(plan.changes).toMatchObject([{ version: 4, data: { v: 2, b: 1, local: true } }]);
  });

  it("replays the run on the current document in a last round without an ancestor", () => {
    const tables = tablesAt(2);
    collide(tables, update({ local: true }, { expectedVersion: 9 }));
    const inputs = { ancestor: null, local: { v: 2, local: true }, localTimestampMs: null };
    const stale = resolutionOf(tables, { isLastRound: true, inputs });
    tables.drain(batchEntry({ device: "d2", operations: [put({ v: 3 })] }));
    const plan = tables.drain({ kind: "resolution", resolution: stale, trace: {} });
    expect(plan.changes).toMatchObject([{ version: 4, data: { v: 3, local: true } }]);
    expect(plan.conflicts).toMatchObject([{ status: "resolved", twoWay: true, overlapList: [] }]);
  });

  it("takes a round that was republished twice once", () => {
    const tables = tablesAt(2);
    collide(tables, update({ a: 1 }, { expectedVersion: 1 }));
    const resolution = resolutionOf(tables);
    tables.drain(
      { kind: "resolution", resolution, trace: {} },
      { kind: "resolution", resolution, trace: {} },
    );
    expect(tables.changes.filter((change) => change.deviceId === "d9")).toHaveLength(1);
    expect(tables.drain({ kind: "resolution", resolution, trace: {} }).workspaces).toEqual([]);
  });

  it("opens a conflict for operations held after the merge was computed, from the device's own view", () => {
    const tables = tablesAt(2);
    collide(tables, update({ local: true }, { expectedVersion: 1 }));
    const resolution = resolutionOf(tables);
    collide(tables, update({ later: true }));
    const plan = tables.drain({ kind: "resolution", resolution, trace: {} });
    expect(plan.settled.map(({ result }) => result.status)).toEqual(["success"]);
    const next = plan.conflicts.find(({ status }) => status === "open");
    expect(next).toMatchObject({ deviceView: { v: 1, local: true }, baseVersion: 1, round: 1 });
    expect(next?.operationCount).toBe(1);
    expect(tables.runByConflictId.get(next?.conflictId ?? "")).toMatchObject([
      { operation: { data: { later: true } } },
    ]);
    expect(plan.rounds).toEqual([expect.objectContaining({ conflictId: next?.conflictId, round: 1 })]);
  });

  it("keeps operations held behind the next conflict, whatever duplicates of the last one come", () => {
    const tables = tablesAt(2);
    collide(tables, update({ local: true }, { expectedVersion: 1 }));
    const resolution = resolutionOf(tables);
    collide(tables, update({ later: true }));
    tables.drain({ kind: "resolution", resolution, trace: {} });
    const plan = tables.drain(
      { kind: "resolution", resolution, trace: {} },
      batchEntry({ device: "d9", operations: [update({ last: true })] }),
    );
    expect(statuses(plan)).toEqual(["pending"]);
  });

  it("merges operations stacked on a run from the device's view, even if they come after the run's merge", () => {
    const tables = tablesAt(2);
    collide(tables, update({ local: true }, { expectedVersion: 1 }));
    resolve(tables, { inputs: { ancestor: { v: 1 }, local: { v: 1, local: true }, localTimestampMs: null } });
    tables.drain(batchEntry({ device: "d2", operations: [update({ b: 1 })] }));
    const plan = collide(tables, update({ stacked: true }, { expectedVersion: 1 }));
    expect(plan.conflicts).toMatchObject([{ baseVersion: 1, deviceView: { v: 1, local: true } }]);
  });

  it("merges them from there with the version that the device received in between, if they name it", () => {
    const tables = tablesAt(2);
    collide(tables, update({ local: true }, { expectedVersion: 1 }));
    resolve(tables, { inputs: { ancestor: { v: 1 }, local: { v: 1, local: true }, localTimestampMs: null } });
    tables.drain(batchEntry({ device: "d2", operations: [update({ b: 1 })] }));
    const [opened] = collide(tables, update({ stacked: true }, { expectedVersion: 2 })).conflicts;
    expect(opened).toMatchObject({ baseVersion: 1, seenVersion: 2, deviceView: { v: 1, local: true } });
    if (opened === undefined) throw new Error("no conflict was opened");
    const { resolution } = resolveConflict(tables, opened, { isLastRound: false });
    expect(resolution.inputs).toMatchObject({
      ancestor: { v: 2, local: true },
      local: { v: 2, local: true, stacked: true },
    });
  });

  it("writes no change if the merge equals the stored document", () => {
    const tables = tablesAt(2);
    collide(tables, update({ v: 2 }, { expectedVersion: 1 }));
    const plan = resolve(tables, { outcome: commit({ v: 2 }) });
    expect(plan.changes).toEqual([]);
    expect(plan.settled[0]?.result).toMatchObject({ status: "success", version: 2, seq: 2, merged: true });
  });

  it("parks a merge that is left to a person, and answers later operations with it", () => {
    const tables = tablesAt(2);
    collide(tables, update({ a: 1 }, { expectedVersion: 1 }));
    const plan = resolve(tables, {
      outcome: { kind: "park", reason: "for a person", proposed: {}, overlaps: [] },
    });
    expect(plan.settled[0]?.result).toMatchObject({ status: "conflict", error: "for a person" });
    expect(statuses(collide(tables, update({ b: 1 })))).toEqual(["conflict"]);
    expect([...tables.conflictById.values()][0]?.operationCount).toBe(2);
  });

  it("refuses with a reported conflict the operations sent by then, and evaluates those sent after the answer", () => {
    const tables = tablesAt(2);
    const batch = (...operations: GivenOperation[]) =>
      tables.accept(batchEntry({ device: "d9", onConflict: "report", operations }));
    const first = batch(update({ a: 1 }, { expectedVersion: 1 }));
    const second = batch(update({ b: 1 }));
    tables.drain(first);
    const third = batch(update({ c: 1 }));
    const plan = tables.drain(second);
    expect(resultsOf(plan)[0]).toMatchObject({ status: "conflict", error_type: "behind_conflict" });
    expect(plan.conflicts).toMatchObject([{ status: "reported", operationCount: 2 }]);
    // It was sent before the second one was answered, but after the first.
    expect(statuses(tables.drain(third))).toEqual(["conflict"]);
    expect(statuses(tables.drain(batch(update({ d: 1 }))))).toEqual(["success"]);
    expect(statuses(tables.drain(batchEntry({ device: "d8", operations: [update({ e: 1 })] })))).toEqual([
      "success",
    ]);
  });

  it.each([{ operationCount: 1_000 }, { operationBytes: 16 * 1024 * 1024 }])(
    "only refuses with a reported conflict whose run is full, and keeps no more: %o",
    (size) => {
      const tables = tablesAt(2);
      const batch = (...operations: GivenOperation[]) =>
        tables.accept(batchEntry({ device: "d9", onConflict: "report", operations }));
      const stored = [
        batch(update({ a: 1 }, { expectedVersion: 1 })),
        ...[2, 3].map((b) => batch(update({ b }))),
      ];
      const [first, second, third] = stored as [StoredEntry, StoredEntry, StoredEntry];
      const [conflict] = tables.drain(first).conflicts;
      if (conflict === undefined) throw new Error("there is no conflict");
      tables.conflictById.set(conflict.conflictId, { ...conflict, ...size });
      const sentBefore = batch(update({ c: 1 }));
      const plan = tables.drain(second, third);
      expect([...statuses(plan), ...statuses(plan, 1)]).toEqual(["conflict", "conflict"]);
      expect(plan.heldWrites).toEqual([]);
      expect(plan.conflicts).toMatchObject([{ status: "reported", refusedEntryId: third.id, ...size }]);
      expect(resultsOf(tables.drain(sentBefore))[0]).toMatchObject({
        error_type: "behind_conflict",
        action: "read-and-resend",
        conflict_data: { conflict_id: conflict.conflictId, conflict_status: "reported" },
      });
    },
  );

  it("refuses with a group's failing operation those that the device had sent by then", () => {
    const tables = tablesAt(2);
    const group = [put({}, { documentId: "other" }), update({ a: 1 }, { expectedVersion: 1 })];
    const first = tables.accept(batchEntry({ device: "d9", atomic: true, operations: group }));
    const second = tables.accept(batchEntry({ device: "d9", operations: [update({ b: 1 })] }));
    const plan = tables.drain(first);
    expect(statuses(plan)).toEqual(["skipped", "conflict"]);
    expect(plan.conflicts).toMatchObject([{ status: "reported", operationCount: 1 }]);
    expect(resultsOf(plan)[1]?.conflict_data?.conflict_id).toBe(plan.conflicts[0]?.conflictId);
    expect(statuses(tables.drain(second))).toEqual(["conflict"]);
    expect(tables.documentByKey.get(documentKey("w1", "documents", "other"))).toBeUndefined();
  });

  it("is decided by its operation's strategy, and otherwise by that of its batch", () => {
    const tables = tablesAt(2);
    tables.drain(batchEntry({ device: "d0", operations: [put({ a: 1 }, { documentId: "other" })] }));
    tables.drain(batchEntry({ device: "d1", operations: [put({ a: 2 }, { documentId: "other" })] }));
    const stale = { expectedVersion: 1 };
    const operations = [
      update({ a: 3 }, { ...stale, onConflict: "manual" }),
      update({ a: 3 }, { ...stale, documentId: "other" }),
    ];
    const plan = tables.drain(batchEntry({ device: "d9", onConflict: "report", operations }));
    expect(statuses(plan)).toEqual(["pending", "conflict"]);
    expect(plan.conflicts.map(({ strategy }) => strategy)).toEqual(["manual", "report"]);
  });

  it("in a group is decided by its operation's strategy", () => {
    const tables = tablesAt(2);
    const stale = update({ a: 3 }, { expectedVersion: 1, onConflict: "client-wins" });
    const group = (operation: GivenOperation) =>
      batchEntry({ device: "d9", atomic: true, operations: [put({}, { documentId: "new" }), operation] });
    const plan = tables.drain(group(stale));
    expect(statuses(plan)).toEqual(["success", "success"]);
    expect(plan.conflicts).toMatchObject([{ status: "resolved", strategy: "client-wins" }]);
    expect(statuses(tables.drain(group({ ...stale, onConflict: "report" })))).toEqual([
      "skipped",
      "conflict",
    ]);
  });

  it("reports if the batch requests that, and refuses the rest of the run with it", () => {
    const tables = tablesAt(2);
    const operations = [update({ a: 1 }, { expectedVersion: 1 }), update({ b: 1 }, { expectedVersion: 2 })];
    const plan = tables.drain(batchEntry({ device: "d9", onConflict: "report", operations }));
    expect(statuses(plan)).toEqual(["conflict", "conflict"]);
    expect(resultsOf(plan)[0]).toMatchObject({
      error: "Version mismatch: expected 1, got 2",
      conflict_data: { expected_version: 1, current_version: 2 },
    });
    expect(plan.rounds).toEqual([]);
  });
});

describe("a conflict in a group", () => {
  /** Versions: 1 by d0 with a and b, 2 by d1, which changes b. */
  const tablesWithB = () => {
    const tables = new MemoryTables();
    tables.drain(batchEntry({ device: "d0", operations: [create({ a: 1, b: 1 }, { timestampMs: 10 })] }));
    tables.drain(batchEntry({ device: "d1", operations: [update({ b: 2 }, { timestampMs: 20 })] }));
    return tables;
  };
  const atomic = (onConflict: GivenBatch["onConflict"], ...operations: GivenOperation[]) =>
    batchEntry({ device: "d9", atomic: true, ...(onConflict && { onConflict }), operations });
  const stale = { expectedVersion: 1, timestampMs: 15 };

  it.each([
    ["merge", update({ a: 2 }, stale), { a: 2, b: 2 }, 0],
    ["merge", update({ b: 3 }, stale), { a: 1, b: 3 }, 1],
    ["last-write-wins", update({ a: 2, b: 3 }, stale), { a: 2, b: 2 }, 1],
    ["last-write-wins", update({ b: 3 }, { ...stale, timestampMs: 25 }), { a: 1, b: 3 }, 1],
    ["client-wins", put({ c: 1 }, stale), { c: 1 }, 0],
    ["server-wins", put({ c: 1 }, stale), { a: 1, b: 2 }, 0],
    ["manual", update({ a: 2 }, stale), { a: 2, b: 2 }, 0],
  ] as const)("is merged immediately, under %s", (strategy, operation, data, overlaps) => {
    const tables = tablesWithB();
    const plan = tables.drain(atomic(strategy, put({}, { documentId: "other" }), operation));
    expect(statuses(plan)).toEqual(["success", "success"]);
    expect(resultsOf(plan)[1]).toMatchObject({ merged: true, rounds: 0, overlaps });
    expect(tables.documentByKey.get(documentKey("w1", "documents", "doc-1"))?.data).toEqual(data);
    expect(plan.conflicts).toMatchObject([{ status: "resolved", result: data }]);
    expect(plan.rounds).toEqual([]);
  });

  it.each([
    ["in one window", [4]],
    ["each in its own", [1, 1, 1, 1]],
    ["the group's alone", [3, 1]],
    ["the other's and the group's", [2, 2]],
    ["the device's own and the rest", [1, 3]],
  ])("starts from its device's view, its own changes included: %s", (_, windows) => {
    const at = { expectedVersion: 1 };
    const step = (op: "add" | "replace", value: string) => ({
      kind: "update" as const,
      ...at,
      patch: [{ op, path: "/rows/0", value }],
    });
    const tables = new MemoryTables();
    const batches: GivenBatch[] = [
      { device: "d0", operations: [create({ rows: ["a"] })] },
      { device: "d1", operations: [step("add", "x")] },
      { device: "d2", operations: [update({ other: true })] },
      { device: "d1", atomic: true, onConflict: "merge", operations: [step("replace", "y")] },
    ];
    for (const count of windows) tables.drain(...batches.splice(0, count).map(batchEntry));
    expect(tables.documentByKey.get(documentKey("w1", "documents", "doc-1"))?.data).toEqual({
      rows: ["y", "a"],
      other: true,
    });
  });

  it.each([[undefined], ["report"], ["manual"]] as const)("fails the group under %s", (strategy) => {
    const tables = tablesWithB();
    const plan = tables.drain(atomic(strategy, put({}, { documentId: "other" }), update({ b: 3 }, stale)));
    expect(statuses(plan)).toEqual(["skipped", "conflict"]);
    expect(plan.conflicts).toMatchObject([{ status: "reported" }]);
    expect(plan.documents).toEqual([]);
  });

  it("is merged from the device's view if a second operation of the group follows on the same document", () => {
    const tables = new MemoryTables();
    tables.drain(batchEntry({ device: "d0", operations: [create({ items: ["x"] })] }));
    tables.drain(batchEntry({ device: "d1", operations: [update({ b: 2 })] }));
    const insert = [{ op: "add" as const, path: "/items/0", value: "new" }];
    const edit = [{ op: "replace" as const, path: "/items/0", value: "NEW" }];
    tables.drain(
      atomic(
        "merge",
        { kind: "update", patch: insert, expectedVersion: 1 },
        { kind: "update", patch: edit, expectedVersion: 1 },
      ),
    );
    expect(tables.documentByKey.get(documentKey("w1", "documents", "doc-1"))?.data).toEqual({
      items: ["NEW", "x"],
      b: 2,
    });
  });

  it("is merged from its own run, however many operations of the device follow on newer versions than the first named", () => {
    const tables = new MemoryTables();
    tables.drain(batchEntry({ device: "d0", operations: [create({ by: "d0" })] }));
    const step = (path: string, value: unknown) => ({ op: "add" as const, path, value: value as string });
    const patch = (...steps: ReturnType<typeof step>[]): GivenOperation => ({
      kind: "update",
      patch: steps,
      expectedVersion: 1,
    });
    const plan = tables.drain(
      atomic(
        "merge",
        // A create starts from no document, whatever version it names; the others are stacked on it.
        create({ items: ["x"] }, { expectedVersion: 1 }),
        patch(step("/items/0", "first")),
        patch({ ...step("/items/1", "second") }),
      ),
    );
    expect(statuses(plan)).toEqual(["success", "success", "success"]);
    expect(tables.documentByKey.get(documentKey("w1", "documents", "doc-1"))?.data).toMatchObject({
      items: ["first", "second", "x"],
    });
  });

  it("is an edit against its own deletion if a second operation patches the document that the first has deleted", () => {
    const at = { expectedVersion: 1 };
    const patched = (path: string) => {
      const tables = new MemoryTables();
      tables.drain(batchEntry({ operations: [create({ id: "doc-1", items: ["x"] })] }));
      const patch = [{ op: "add" as const, path, value: "new" }];
      return tables.drain(atomic("merge", remove(at), { kind: "update", patch, ...at }));
    };
    const plan = patched("/items/0");
    expect(statuses(plan)).toEqual(["success", "success"]);
    expect(plan.documents).toMatchObject([{ data: { id: "doc-1", items: ["new", "x"] } }]);
    // The patch is replayed on the deleted document, which has an id.
    expect(resultsOf(patched("/id"))[1]).toMatchObject({ status: "error", error_type: "id_mismatch" });
  });

  it("takes the ancestor that was sent along if history has none, and otherwise merges two ways", () => {
    const sent = { ancestor: { a: 1, b: 1 }, expectedVersion: 1 };
    const dataAfter = (operation: GivenOperation) => {
      const tables = tablesWithB();
      tables.changes.length = 0;
      tables.drain(atomic("merge", operation));
      return tables.documentByKey.get(documentKey("w1", "documents", "doc-1"))?.data;
    };
    expect(dataAfter(put({ a: 1 }, sent))).toEqual({ a: 1, b: 2 });
    expect(dataAfter(put({ a: 1 }, { expectedVersion: 1 }))).toEqual({ a: 1, b: 2 });
    expect(dataAfter(put({ a: 2, b: 1 }, sent))).toEqual({ a: 2, b: 2 });
  });

  it("is never shown in part: each change of a group names the last of them", () => {
    const tables = new MemoryTables();
    const of = (documentId: string) => put({}, { documentId });
    const plan = tables.drain(
      batchEntry({ operations: [of("a")] }),
      atomic(undefined, of("b"), of("c"), of("d")),
      batchEntry({ operations: [of("e")] }),
    );
    expect(plan.changes.map(({ seq, groupEndSeq }) => [seq, groupEndSeq])).toEqual([
      [1, null],
      [2, 4],
      [3, 4],
      [4, 4],
      [5, null],
    ]);
  });

  it("has the newer side's time once it is merged, so that no older edit wins over either", () => {
    const tables = tablesWithB();
    tables.drain(atomic("last-write-wins", update({ a: 2 }, stale)));
    const late = update({ b: 3 }, { expectedVersion: 1, timestampMs: 18 });
    tables.drain(
      batchEntry({ device: "d8", atomic: true, onConflict: "last-write-wins", operations: [late] }),
    );
    expect(tables.documentByKey.get(documentKey("w1", "documents", "doc-1"))?.data).toEqual({ a: 2, b: 2 });
  });

  it.each<[string, GivenBatch["onConflict"], GivenOperation[]]>([
    ["that are parked without it", "manual", [update({ a: 2 }, stale)]],
    [
      "whose next operations fail without it",
      "merge",
      [
        put({ a: 2, b: 1 }, stale),
        {
          kind: "update",
          patch: [
            { op: "test", path: "/a", value: 2 },
            { op: "test", path: "/b", value: 2 },
          ],
        },
      ],
    ],
    [
      "whose next operations name the resulting version",
      "manual",
      [update({ a: 2 }, stale), update({ c: 3 }, { expectedVersion: 3 })],
    ],
  ])("requests at once all history that its merges need: those %s", (_, strategy, operations) => {
    const tables = new MemoryTables();
    const ids = ["one", "two", "three", "four"];
    for (const documentId of ids) {
      tables.drain(batchEntry({ device: "d0", operations: [create({ a: 1, b: 1 }, { documentId })] }));
      tables.drain(batchEntry({ device: "d1", operations: [update({ b: 2 }, { documentId })] }));
    }
    const group = ids.flatMap((documentId) => operations.map((operation) => ({ ...operation, documentId })));
    const plan = tables.drain(atomic(strategy, ...group));
    expect(new Set(statuses(plan))).toEqual(new Set(["success"]));
    expect(tables.historyReads).toBe(1);
  });

  it("fails the group with a reason once its merges would read more than a batch may", () => {
    const long = { a: Array.from({ length: 49_000 }, () => 0) };
    const merged = (documents: number) => {
      const tables = new MemoryTables();
      const ids = Array.from({ length: documents }, (_, n) => `doc-${n}`);
      for (const documentId of ids) {
        tables.drain(batchEntry({ device: "d0", operations: [put(long, { documentId })] }));
        tables.drain(batchEntry({ device: "d1", operations: [update({ k1: 2 }, { documentId })] }));
      }
      const edits = ids.map((documentId) => update({ k2: 3 }, { documentId, expectedVersion: 1 }));
      const entry = atomic("merge", ...edits);
      const answers = resultsOf(tables.drain(entry)).map((result) => result.error_type ?? result.status);
      return { answers, historyReads: tables.historyReads };
    };
    expect(merged(6)).toEqual({ answers: Array(6).fill("success"), historyReads: 1 });
    // It is known before any history is read.
    expect(merged(7)).toEqual({
      answers: [...Array(6).fill("skipped"), "operation_too_costly"],
      historyReads: 0,
    });
  });

  it("leaves no trace of a merge if a later operation fails the group", () => {
    const tables = tablesWithB();
    const missing = update({}, { documentId: "missing" });
    const plan = tables.drain(atomic("merge", update({ a: 2 }, stale), missing));
    expect(statuses(plan)).toEqual(["skipped", "error"]);
    expect(plan.conflicts).toEqual([]);
    expect(plan.changes).toEqual([]);
  });
});

describe("an error that a person sends again", () => {
  it("is evaluated anew, and its row takes the new answer", () => {
    const tables = new MemoryTables();
    const operation = update({ a: 1 }, { clientId: "c", fingerprint: "f" });
    expect(statuses(tables.drain(batchEntry({ operations: [operation] })))).toEqual(["error"]);
    tables.drain(batchEntry({ device: "d2", operations: [create({})] }));
    expect(resultsOf(tables.drain(batchEntry({ operations: [operation] })))[0]).toMatchObject({
      status: "error",
      replayed: true,
    });
    const replay = () => tables.drain(batchEntry({ operations: [{ ...operation, replay: true }] }));
    expect(resultsOf(replay())[0]).toMatchObject({ status: "success", version: 2 });
    expect(resultsOf(replay())[0]).toMatchObject({ status: "success", version: 2, replayed: true });
  });

  it("keeps its content until then, unless it belongs to a group", () => {
    const contents = (given: GivenBatch) =>
      new MemoryTables()
        .drain(batchEntry(given))
        .ledgerRows.map(({ content }) =>
          content === undefined ? undefined : (JSON.parse(content) as unknown),
        );
    const operation = update({ a: 1 });
    expect(contents({ onConflict: "manual", operations: [operation] })).toMatchObject([
      { operation: { data: { a: 1 } }, deviceDeclared: true, onConflict: "manual" },
    ]);
    expect(contents({ atomic: true, operations: [operation] })).toEqual([undefined]);
  });
});

describe("a window", () => {
  const operationArbitrary: fc.Arbitrary<GivenOperation> = fc
    .record({
      kind: fc.constantFrom("create", "put", "update", "delete"),
      documentId: fc.constantFrom("a", "b"),
      clientId: fc.integer({ min: 1, max: 60 }).map((n) => `op-${n}`),
      key: fc.constantFrom("x", "y"),
      value: fc.integer({ min: 0, max: 9 }),
      expectedVersion: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined, freq: 3 }),
      group: fc.option(fc.constantFrom("g", "h"), { nil: undefined, freq: 4 }),
    })
    .map(({ kind, key, value, expectedVersion, group, ...rest }) => ({
      kind,
      ...rest,
      ...(kind === "delete" ? {} : { data: { [key]: value } }),
      ...(expectedVersion === undefined ? {} : { expectedVersion }),
      ...(group === undefined ? {} : { group }),
      fingerprint: JSON.stringify([kind, rest.documentId, key, value, expectedVersion]),
    }));
  const batchArbitrary: fc.Arbitrary<GivenBatch> = fc.record({
    device: fc.constantFrom("d1", "d2"),
    atomic: fc.boolean(),
    onConflict: fc.constantFrom("merge", "report", "client-wins", "server-wins", "last-write-wins", "manual"),
    operations: fc.uniqueArray(operationArbitrary, {
      minLength: 1,
      maxLength: 6,
      selector: ({ clientId }) => clientId,
    }),
  });

  /** The visible state without seqs, because a fold gives several operations one seq. */
  const visible = (tables: MemoryTables) => ({
    documents: Object.fromEntries([...tables.documentByKey].filter(([, document]) => document !== null)),
    results: [...tables.resultsByBatchId.values()].map((results) =>
      results.map(({ seq: _, conflict_id: __, conflict_data, ...result }) => ({
        ...result,
        conflict_data: conflict_data && { ...conflict_data, conflict_id: undefined },
      })),
    ),
    held: [...tables.runByConflictId.values()].map((run) => run.map(({ operation }) => operation.clientId)),
  });

  it("has the state and the answers of draining its batches one by one", () => {
    fc.assert(
      fc.property(fc.array(batchArbitrary, { minLength: 1, maxLength: 8 }), (given) => {
        const entries = given.map((batch, index) => {
          // A merge in a group may start from a version inside a fold, which is known to give another result.
          const grouped = batch.atomic === true || batch.operations.some(({ group }) => group !== undefined);
          const onConflict = grouped ? "report" : (batch.onConflict ?? "merge");
          return batchEntry({ ...batch, onConflict, id: `batch-of-${index}` });
        });
        const together = new MemoryTables();
        together.drain(...entries);
        const apart = new MemoryTables();
        for (const stored of entries.map((entry) => apart.accept(entry))) apart.drain(stored);
        expect(visible(together)).toEqual(visible(apart));
      }),
      { numRuns: 500 },
    );
  });

  it("numbers its changes without a gap, and gives every success the seq of a change or of the commit", () => {
    fc.assert(
      fc.property(fc.array(batchArbitrary, { minLength: 1, maxLength: 8 }), (batches) => {
        const tables = new MemoryTables();
        const plan = tables.drain(...batches.map(batchEntry));
        const seqs = plan.changes.map((change) => change.seq);
        expect(seqs).toEqual(seqs.map((_, index) => index + 1));
        const last = seqs.at(-1) ?? 0;
        for (const { results } of plan.batches) {
          for (const { status, seq } of results)
            if (status === "success") expect(seq).toBeLessThanOrEqual(last);
        }
        for (const document of plan.documents) {
          const change = plan.changes.find(({ seq }) => seq === document.seq);
          expect(change).toMatchObject({
            documentId: document.documentId,
            version: document.version,
            data: document.data,
          });
        }
      }),
      { numRuns: 300 },
    );
  });
});
