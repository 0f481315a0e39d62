import type { Json } from "@syncline/shared/document";
import {
  assertInvariant,
  deviceDocumentKey,
  documentKey,
  operationKey,
  type AcceptedBatch,
  type AcceptedOperation,
  type OperationResult,
  type StoredEntry,
} from "@syncline/shared/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batchEntry, MemoryTables, type PlainChange, type PlainPlan } from "../testing/memory-tables.ts";
import {
  randomPhases,
  UNDECLARED,
  type RandomOperation,
  type RandomStep,
} from "../testing/random-history.ts";
import { resolveConflict } from "../testing/resolve-conflict.ts";

type SentOperation = Omit<AcceptedOperation, "position">;

/** An entry for either of the twins, which differ only in the names of conflicts. */
interface TwinEntry {
  windows: StoredEntry;
  oneByOne: StoredEntry;
  cutAfter: boolean;
}

/**
 * One history, drained twice: in windows of any size, and operation by operation, each in a window of its own. The
 * results must be equal, except for the `seq` of the change that contains an operation.
 */
class Twins {
  readonly #windows = new MemoryTables();
  readonly #oneByOne = new MemoryTables();
  readonly #count: (name: string) => void;
  readonly #batches: StoredEntry[] = [];
  readonly #sent: { workspace: string; device: string; operation: SentOperation }[] = [];
  readonly #versionsByPhase: Map<string, number>[] = [];
  /**
   * One turn for each drain of the one-by-one twin: `by` has its documents and devices. The maps hold the turn of
   * each change, and the operations that wrote.
   */
  readonly #turns: { group: boolean; by: Set<string> }[] = [];
  readonly #turnByChange = new Map<string, number>();
  readonly #wrote = new Set<string>();
  /** The version of a document in each device's last result that wrote no change. */
  readonly #told = new Map<string, number>();
  #entries = 0;
  #clientIds = 0;

  constructor(count: (name: string) => void) {
    this.#count = count;
  }

  play(phase: readonly RandomStep[]): void {
    this.#versionsByPhase.push(
      new Map([...this.#oneByOne.documentByKey].map(([key, document]) => [key, document?.version ?? 0])),
    );
    const conflicts = openConflictIds(this.#windows).map((id, index) => ({
      windows: id,
      oneByOne: openConflictIds(this.#oneByOne)[index] ?? "",
    }));
    const entries = phase.flatMap((step) => this.#materialize(step, conflicts) ?? []);

    const plans: PlainPlan[] = [];
    let window: StoredEntry[] = [];
    for (const { windows, cutAfter } of entries) {
      window.push(windows);
      if (!cutAfter) continue;
      plans.push(this.#windows.drain(...window));
      window = [];
    }
    if (window.length > 0) plans.push(this.#windows.drain(...window));
    const single = entries.flatMap(({ oneByOne }) => unitsOf(oneByOne).map((unit) => this.#drainAlone(unit)));
    this.#compare(plans, single);
  }

  #drainAlone(stored: StoredEntry): PlainPlan {
    const plan = this.#oneByOne.drain(stored);
    const { entry } = stored;
    const isGroup = entry.kind === "resolution" || entry.batch.atomic || entry.batch.operations[0]?.group;
    // A merge that is parked, or goes into another round, returns no version to any device.
    const met = entry.kind === "batch" || plan.conflicts.some(({ status }) => status === "resolved");
    // Neither does an operation that is skipped.
    const rows = plan.ledgerRows.filter(({ status }) => met && status !== "skipped");
    const by = rows.flatMap((row) => [documentOf(row), deviceOf(row)]);
    this.#turns.push({ group: Boolean(isGroup), by: new Set(by) });
    for (const change of plan.changes) {
      this.#turnByChange.set(placeOf(change, change.firstVersion), this.#turns.length - 1);
      const written = plan.ledgerRows.filter(
        (row) =>
          row.status === "success" && documentOf(row) === documentOf(change) && holds(change, row.version),
      );
      // An operation that returns an existing version has written no change.
      for (const [, row] of new Map(written.toReversed().map((row) => [row.version, row] as const))) {
        this.#wrote.add(operationKey(row.workspaceId, row.deviceId, row.clientId));
      }
    }
    if (entry.kind === "batch") this.#hear(entry.batch, plan);
    return plan;
  }

  #hear({ workspaceId, deviceId }: AcceptedBatch, plan: PlainPlan): void {
    for (const { client_id, document_id, version, conflict_data } of plan.batches[0]?.results ?? []) {
      if (this.#wrote.has(operationKey(workspaceId, deviceId, client_id))) continue;
      const told = version ?? conflict_data?.current_version;
      const key = documentKey(workspaceId, "documents", document_id ?? "");
      // A failed group returns versions that were undone.
      const newest = this.#oneByOne.documentByKey.get(key)?.version ?? 0;
      if (told !== undefined && told <= newest) this.#told.set(deviceDocumentKey(deviceId, key), told);
    }
  }

  #materialize(step: RandomStep, conflicts: { windows: string; oneByOne: string }[]): TwinEntry | undefined {
    const id = `${++this.#entries}-0`;
    const { cutAfter } = step;
    switch (step.kind) {
      case "again": {
        const given = this.#batches[step.pick % Math.max(1, this.#batches.length)];
        return given && { windows: { ...given, id }, oneByOne: { ...given, id }, cutAfter };
      }
      case "resolution": {
        const ids = conflicts[step.pick % Math.max(1, conflicts.length)];
        if (ids === undefined) return undefined;
        const resolutionOf = (tables: MemoryTables, conflictId: string): StoredEntry => {
          const conflict = tables.conflictById.get(conflictId);
          assertInvariant(conflict !== undefined, "a conflict is missing");
          return { id, answeredId: "0-0", entry: resolveConflict(tables, conflict, step) };
        };
        return {
          windows: resolutionOf(this.#windows, ids.windows),
          oneByOne: resolutionOf(this.#oneByOne, ids.oneByOne),
          cutAfter,
        };
      }
      case "batch": {
        const entry = this.#batchOf(step, `b${id}`);
        const stored = { id, answeredId: `${Math.max(0, this.#entries - 1 - step.unanswered)}-0`, entry };
        this.#batches.push(stored);
        return { windows: stored, oneByOne: stored, cutAfter };
      }
      default:
        return step satisfies never;
    }
  }

  #batchOf(step: RandomStep & { kind: "batch" }, batchId: string): ReturnType<typeof batchEntry> {
    const { workspace, device, settings } = step;
    const clientIds = new Set<string>();
    const operations = step.operations.flatMap((given, index) => {
      const operation = this.#operationOf(given, workspace, device);
      if (clientIds.has(operation.clientId)) return [];
      clientIds.add(operation.clientId);
      const [from, to] = step.group ?? [1, 0];
      const group = from <= index && index <= to ? { group: "g" } : {};
      this.#sent.push({ workspace, device, operation });
      return [{ ...operation, ...group }];
    });
    const deviceDeclared = device !== UNDECLARED;
    return batchEntry({ id: batchId, workspace, device, deviceDeclared, ...settings, operations });
  }

  #operationOf(given: RandomOperation, workspace: string, device: string): SentOperation {
    const { kind, content, documentId, again } = given;
    const mine = this.#sent.filter((one) => one.workspace === workspace && one.device === device);
    const earlier = again && mine[again.pick % Math.max(1, mine.length)]?.operation;
    if (again?.kind === "resend" && earlier !== undefined) return earlier;
    const clientId = earlier?.clientId ?? `op-${++this.#clientIds}`;
    const expectedVersion = this.#versionOf(given, workspace, device);
    return {
      clientId,
      kind,
      collection: "documents",
      documentId,
      fingerprint: `${clientId} ${earlier === undefined ? "first" : this.#sent.length}`,
      ...content,
      ...(expectedVersion === undefined ? {} : { expectedVersion }),
    };
  }

  #versionOf({ base, documentId }: RandomOperation, workspace: string, device: string): number | undefined {
    const key = documentKey(workspace, "documents", documentId);
    const now = this.#versionsByPhase.at(-1)?.get(key) ?? 0;
    switch (base.kind) {
      case "none":
        return undefined;
      case "zero":
        return 0;
      case "ahead":
        return now + 100;
      case "told":
        return this.#told.get(deviceDocumentKey(device, key));
      case "phase":
        return this.#versionsByPhase.at(-1 - base.ago)?.get(key) ?? now;
      default:
        return base satisfies never;
    }
  }

  #compare(windows: readonly PlainPlan[], oneByOne: readonly PlainPlan[]): void {
    expect(this.#windows.documentByKey).toEqual(this.#oneByOne.documentByKey);
    expect(ledgerOf(this.#windows)).toEqual(ledgerOf(this.#oneByOne));
    expect(conflictsOf(this.#windows)).toEqual(conflictsOf(this.#oneByOne));
    expect(answersOf(windows, this.#windows)).toEqual(answersOf(oneByOne, this.#oneByOne));
    expect(settledOf(windows, this.#windows)).toEqual(settledOf(oneByOne, this.#oneByOne));
    expect(roundsOf(windows, this.#windows)).toEqual(roundsOf(oneByOne, this.#oneByOne));
    this.#compareChanges();
    this.#compareSeqs(windows);
    this.#countClasses(windows);
  }

  /**
   * Each change of a window contains one or more changes of the one-by-one twin, all by one device and of one
   * group.
   */
  #compareChanges(): void {
    const single = new Map(
      this.#oneByOne.changes.map((change) => [placeOf(change, change.firstVersion), change]),
    );
    const expanded = this.#windows.changes.map((change) => {
      const members: PlainChange[] = [];
      for (let version = change.firstVersion; version <= change.version;) {
        const member = single.get(placeOf(change, version));
        assertInvariant(member !== undefined, "a change holds a version that was not made");
        members.push(member);
        version = member.version + 1;
      }
      const last = members.at(-1);
      assertInvariant(last !== undefined, "a change holds no version");
      expect(writtenBy(change)).toEqual(writtenBy(last));
      if (members.length > 1) {
        this.#count(change.data === null ? "fold into a tombstone" : "fold");
        expect(change.deviceId).not.toBeNull();
        members.slice(1).forEach((member, index) => this.#expectToFollow(members[index] ?? member, member));
      }
      return members;
    });
    // A fold moves an operation past no other one of its device or of its document.
    for (const keyOf of [deviceOf, documentOf]) {
      expect(Map.groupBy(expanded.flat(), keyOf)).toEqual(Map.groupBy(this.#oneByOne.changes, keyOf));
    }
  }

  /**
   * Two changes of one fold: by the same device, in the same group or none, and with no other operation of the
   * device or on the document in between.
   */
  #expectToFollow(before: PlainChange, after: PlainChange): void {
    expect(deviceOf(after)).toBe(deviceOf(before));
    const [first = -1, next = -1] = [before, after].map((change) =>
      this.#turnByChange.get(placeOf(change, change.firstVersion)),
    );
    if (first === next) return;
    expect(this.#turns[first]?.group || this.#turns[next]?.group).toBe(false);
    const between = this.#turns.slice(first + 1, next).flatMap(({ by }) => [...by]);
    expect(between).not.toContain(documentOf(after));
    expect(between).not.toContain(deviceOf(after));
  }

  /** An operation that wrote has the `seq` of the change that contains it, any other the commit's. */
  #compareSeqs(plans: readonly PlainPlan[]): void {
    for (const { ledgerRows, workspaces } of plans) {
      for (const row of ledgerRows.filter(({ status }) => status === "success")) {
        if (this.#wrote.has(operationKey(row.workspaceId, row.deviceId, row.clientId))) {
          const change = this.#windows.changes.find(
            ({ workspaceId, seq }) => workspaceId === row.workspaceId && seq === row.seq,
          );
          assertInvariant(change !== undefined, "an operation has the seq of no change");
          expect([documentOf(change), holds(change, row.version)]).toEqual([documentOf(row), true]);
        } else {
          expect(row.seq).toBe(workspaces.find(({ workspaceId }) => workspaceId === row.workspaceId)?.seq);
        }
      }
    }
  }

  #countClasses(plans: readonly PlainPlan[]): void {
    for (const { batches, conflicts, settled, rounds } of plans) {
      for (const { results } of batches) {
        for (const { status, error_type, replayed, merged } of results) {
          this.#count(error_type === undefined || status === "pending" ? status : `${status} ${error_type}`);
          if (replayed === true) this.#count(`replayed ${status}`);
          if (merged === true && replayed !== true) this.#count("merged at once, in a group");
        }
      }
      for (const { status, operationCount, deviceView } of conflicts) {
        if (status === "open" && deviceView !== null) this.#count("open, stacked on a merge");
        this.#count(status);
        if (operationCount > 1) this.#count(`${status} with a run`);
      }
      for (const { result } of settled) this.#count(`settled ${result.status}`);
      for (const { round } of rounds) if (round > 1) this.#count("another round");
    }
  }
}

const holds = (change: PlainChange, version: number | null): boolean =>
  version !== null && change.firstVersion <= version && version <= change.version;
const writtenBy = ({ version, data, deviceId, clientTimestampMs }: PlainChange) => ({
  version,
  data,
  deviceId,
  clientTimestampMs,
});
const documentOf = (of: { workspaceId: string; collection: string; documentId: string }): string =>
  documentKey(of.workspaceId, of.collection, of.documentId);
const deviceOf = ({ workspaceId, deviceId }: { workspaceId: string; deviceId: string | null }): string =>
  `${workspaceId} ${deviceId}`;
const placeOf = (change: PlainChange, version: number): string => `${documentOf(change)}@${version}`;

/** Splits a batch into batches of one operation or one group each. */
function unitsOf(stored: StoredEntry): StoredEntry[] {
  const { entry } = stored;
  if (entry.kind === "resolution" || entry.batch.atomic) return [stored];
  const units: AcceptedOperation[][] = [];
  for (const operation of entry.batch.operations) {
    const last = units.at(-1);
    if (operation.group !== undefined && last?.[0]?.group === operation.group) last.push(operation);
    else units.push([operation]);
  }
  return units.map((operations, index) => {
    const batch: AcceptedBatch = {
      ...entry.batch,
      batchId: `${entry.batch.batchId}/${index}`,
      operations: operations.map((operation, position) => ({ ...operation, position })),
    };
    return { ...stored, entry: { ...entry, batch } };
  });
}

function openConflictIds(tables: MemoryTables): string[] {
  return [...tables.conflictById.values()]
    .filter(({ status }) => status === "open")
    .map(({ conflictId }) => [nameOf(tables, conflictId), conflictId] as const)
    .sort(byKey)
    .map(([, conflictId]) => conflictId);
}

/** A conflict's name in both tables: the operation that opened it. */
function nameOf(tables: MemoryTables, conflictId: string): string {
  const conflict = tables.conflictById.get(conflictId);
  const first = tables.runByConflictId.get(conflictId)?.[0]?.operation.clientId;
  return `${conflict?.workspaceId} ${conflict?.deviceId} ${first}`;
}

/** The values that must be equal in both tables: conflicts by name, batches as they were sent, and no `seq`. */
function comparable(value: unknown, tables: MemoryTables): Json {
  const text = JSON.stringify(value, (key, inner: unknown) => {
    if (["seq", "resolvedSeq", "revision", "position", "content"].includes(key)) return undefined;
    return key === "batchId" && typeof inner === "string" ? inner.split("/")[0] : inner;
  });
  return JSON.parse(text.replaceAll(/conflict-\d+/g, (id) => nameOf(tables, id))) as Json;
}

const ledgerOf = (tables: MemoryTables): Json => comparable([...tables.ledgerRowByKey].sort(byKey), tables);

function conflictsOf(tables: MemoryTables): Json {
  const records = [...tables.conflictById.values()].map((conflict) => ({
    ...conflict,
    run: tables.runByConflictId.get(conflict.conflictId)?.map(({ operation }) => operation.clientId),
  }));
  return comparable(
    records.map((record) => [nameOf(tables, record.conflictId), record] as const).sort(byKey),
    tables,
  );
}

function answersOf(plans: readonly PlainPlan[], tables: MemoryTables): Json {
  const resultsByBatch = new Map<string, OperationResult[]>();
  for (const { batchId, results } of plans.flatMap((plan) => plan.batches)) {
    const sentId = batchId.split("/")[0] ?? batchId;
    resultsByBatch.set(sentId, [...(resultsByBatch.get(sentId) ?? []), ...results]);
  }
  return comparable([...resultsByBatch].sort(byKey), tables);
}

const settledOf = (plans: readonly PlainPlan[], tables: MemoryTables): Json =>
  comparable(
    plans.flatMap((plan) => plan.settled),
    tables,
  );

const roundsOf = (plans: readonly PlainPlan[], tables: MemoryTables): Json =>
  comparable(
    plans.flatMap((plan) => plan.rounds),
    tables,
  );

const byKey = (a: readonly [string, unknown], b: readonly [string, unknown]): number =>
  a[0] < b[0] ? -1 : 1;

/** A third of the expected numbers, below which the test would not be meaningful. */
const MET_AT_LEAST: Record<string, number> = {
  success: 1200,
  fold: 140,
  "fold into a tombstone": 60,
  skipped: 200,
  pending: 800,
  "open with a run": 270,
  "open, stacked on a merge": 40,
  "settled success": 280,
  "settled error": 50,
  "settled conflict": 40,
  "another round": 8,
  "merged at once, in a group": 60,
  "parked with a run": 14,
  "reported with a run": 30,
  "conflict behind_conflict": 130,
  "conflict version_mismatch": 14,
  "conflict version_ahead": 7,
  "conflict document_exists": 10,
  "conflict document_deleted": 14,
  "conflict other_epoch": 2,
  "error patch_failed": 70,
  "error id_mismatch": 50,
  "error document_not_found": 260,
  "error client_id_reused": 80,
  "replayed success": 110,
  "replayed error": 12,
  "replayed conflict": 6,
};

describe("a window", () => {
  it("folds no version that another device received into a later one", () => {
    const tables = new MemoryTables();
    const plan = tables.drain(
      batchEntry({ device: "d1", operations: [{ kind: "put", data: {} }, { kind: "delete" }] }),
      batchEntry({ device: "d2", operations: [{ kind: "delete" }] }),
      batchEntry({ device: "d1", operations: [{ kind: "put", data: { a: 1 } }] }),
    );
    expect(plan.batches[1]?.results).toMatchObject([{ status: "success", version: 2 }]);
    expect(plan.changes.map(({ firstVersion, version }) => [firstVersion, version])).toEqual([
      [1, 2],
      [3, 3],
    ]);
  });

  it("of any size equals its operations one by one", () => {
    const seen = new Map<string, number>();
    const count = (name: string): unknown => seen.set(name, (seen.get(name) ?? 0) + 1);
    fc.assert(
      fc.property(randomPhases, (phases) => {
        const twins = new Twins(count);
        for (const phase of phases) twins.play(phase);
      }),
      { numRuns: 500 },
    );
    const tooSeldom = Object.entries(MET_AT_LEAST).filter(([name, min]) => (seen.get(name) ?? 0) < min);
    expect(tooSeldom).toEqual([]);
  });
});
