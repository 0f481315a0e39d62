import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../document/json.ts";
import type { AcceptedOperation } from "../protocol/lane-entry.ts";
import type { JsonPatchStep } from "../document/json-patch-step.ts";
import type { MergePolicy } from "../merge/merge-policy.ts";
import { mergeRaised, mergeRun, proposedBy, RUN_TOO_COSTLY, takenRises } from "./merge-run.ts";
import { raiseRun, versionsOf, type DeviceRun, type HistoricChange, type RunHistory } from "./raise-run.ts";

type Given = Partial<AcceptedOperation>;

let clients = 0;
const operation = (given: Given): AcceptedOperation => ({
  clientId: `c${++clients}`,
  position: 0,
  kind: "update",
  collection: "documents",
  documentId: "doc",
  fingerprint: "f",
  ...given,
});
const update = (data: JsonObject, expectedVersion?: number, more: Given = {}) =>
  operation({ data, ...(expectedVersion !== undefined && { expectedVersion }), ...more });
const patch = (expectedVersion: number, ...steps: JsonPatchStep[]) =>
  operation({ patch: steps, expectedVersion });
const put = (data: JsonObject, expectedVersion: number) => operation({ kind: "put", data, expectedVersion });

/** Versions 1, 2, … of a document; `null` deletes it. */
function historyOf(versions: readonly (JsonObject | null)[], own: readonly number[] = []): RunHistory {
  let live: JsonObject = {};
  const changes = versions.map((data, index): HistoricChange => {
    live = data ?? live;
    const version = index + 1;
    const by = { own: own.includes(version), timestampMs: null };
    return { firstVersion: version, version, data: live, deleted: data === null, ...by };
  });
  return { changes, lastOwnVersion: own.at(-1) ?? 0 };
}

function runOf(operations: readonly AcceptedOperation[], more: Partial<DeviceRun> = {}): DeviceRun {
  return { baseVersion: 1, ancestor: null, deviceView: null, operations, ...more };
}

function merge(
  strategy: Parameters<typeof mergeRun>[0],
  versions: readonly (JsonObject | null)[],
  operations: readonly AcceptedOperation[],
  { policy, ...more }: Partial<DeviceRun> & { policy?: MergePolicy } = {},
) {
  const remote = { data: versions.at(-1) ?? null, timestampMs: null };
  return mergeRun(strategy, runOf(operations, more), historyOf(versions), remote, policy);
}

const COUNTER: MergePolicy = { rules: [{ path: "/n", is: "counter" }] };

describe("a run that names a version which its device received meanwhile", () => {
  const T1 = { title: "T1" };
  it.each<[string, (JsonObject | null)[], AcceptedOperation[], JsonObject | null, MergePolicy?]>([
    [
      "counts from the document it saw",
      [{ n: 1000 }, { n: 900 }, { n: 800 }],
      [update({ n: 999 }, 1), update({ n: 798 }, 3)],
      { n: 798 },
      COUNTER,
    ],
    [
      "reverts changes of others",
      [T1, T1, { title: "T2" }],
      [update({ mine: 1 }, 1), update({ title: "T1" }, 3)],
      { title: "T1", mine: 1 },
    ],
    [
      "removes a field that others added",
      [T1, T1, { ...T1, theirs: 1 }],
      [update({ mine: 1 }, 1), update({ theirs: null }, 3)],
      { ...T1, mine: 1 },
    ],
    [
      "removes an item that others added",
      [{ items: [{ id: 1 }] }, {}, { items: [{ id: 1 }, { id: 2 }] }],
      [update({ mine: 1 }, 1), patch(3, { op: "remove", path: "/items/1" })],
      { items: [{ id: 1 }], mine: 1 },
    ],
    [
      "replaces the document whole",
      [{ s: "open" }, { s: "open" }, { s: "shipped" }],
      [update({ mine: 1 }, 1), put({ s: "open", mine: 1 }, 3)],
      { s: "open", mine: 1 },
    ],
    [
      "patches the document it saw",
      [{ q: 1 }, { q: 1 }, { q: 2 }],
      [
        update({ mine: 1 }, 1),
        patch(3, { op: "test", path: "/q", value: 2 }, { op: "replace", path: "/q", value: 3 }),
      ],
      { q: 3, mine: 1 },
    ],
    [
      "changes the row it saw",
      [
        { price: 1, l: ["a", "b"] },
        { price: 2, l: ["a", "b"] },
        { price: 2, l: ["x", "a", "b"] },
      ],
      [update({ price: 3 }, 1), patch(3, { op: "remove", path: "/l/0" })],
      { price: 3, l: ["a", "b"] },
    ],
    [
      "deletes the document",
      [{ n: 1 }, { n: 1 }, { n: 2 }],
      [update({ mine: 1 }, 1), operation({ kind: "delete", expectedVersion: 3 })],
      null,
    ],
    [
      "rises more than once",
      [{ a: 1 }, { a: 1, b: 1 }, { a: 1, b: 1, c: 1 }],
      [update({ mine: 1 }, 1), update({ b: null }, 2), update({ c: null }, 3), update({ d: 1 }, 3)],
      { a: 1, mine: 1, d: 1 },
    ],
  ])("%s", (_, versions, operations, expected, policy = {}) => {
    for (const strategy of ["merge", "client-wins", "last-write-wins"] as const) {
      const { outcome } = merge(strategy, versions, operations, { policy });
      // Edits have no times, so the server's value wins at a place that both changed under last-write-wins.
      const price = strategy === "last-write-wins" && expected !== null && "price" in expected;
      const document = price ? { ...expected, price: 2 } : expected;
      expect([strategy, outcome]).toMatchObject([strategy, { kind: "commit", refused: [] }]);
      expect([strategy, proposedBy(outcome)]).toEqual([strategy, document]);
    }
    expect(proposedBy(merge("manual", versions, operations, { policy }).outcome)).toEqual(expected);
  });

  it("merges against the old base if it names that, and counts its own steps", () => {
    const versions = [{ n: 1000 }, { n: 800 }];
    const operations = [update({ n: 999 }, 1), update({ n: 998 }, 1), update({ n: 997 })];
    expect(merge("merge", versions, operations, { policy: COUNTER }).outcome).toMatchObject({
      document: { n: 797 },
    });
  });

  it("treats an older version than the last one as the last one", () => {
    const operations = [update({ a: 2 }, 1), update({ b: null }, 3), update({ c: 1 }, 2)];
    const { outcome } = merge("merge", [{ a: 1 }, { a: 1, b: 1 }, { a: 1, b: 1 }], operations);
    expect(outcome).toMatchObject({ document: { a: 2, c: 1 }, overlaps: [] });
  });

  it("takes the server's side whole up to the version it received, and keeps its later operations", () => {
    const versions = [
      { a: 1, b: 1 },
      { a: 2, b: 1 },
    ];
    const operations = [update({ a: 3, b: 3 }, 1), update({ c: 1 }, 2)];
    expect(merge("server-wins", versions, operations).outcome).toMatchObject({
      document: { a: 2, b: 1, c: 1 },
    });
    const later = [...versions, { a: 2, b: 2 }];
    expect(merge("server-wins", later, operations).outcome).toMatchObject({ document: { a: 2, b: 2 } });
  });

  it("records the overlaps of every step, each with the version onto which the run was merged", () => {
    const versions = [
      { a: 1, b: 1 },
      { a: 2, b: 1 },
      { a: 2, b: 2 },
    ];
    const { outcome } = merge("merge", versions, [update({ a: 3 }, 1), update({ b: 3 }, 2)]);
    expect(outcome).toMatchObject({ kind: "commit", document: { a: 3, b: 3 } });
    expect(outcome.overlaps).toEqual([
      { path: "/a", ancestor: 1, remote: 2, local: 3, chosen: "local", version: 2 },
      { path: "/b", ancestor: 1, remote: 2, local: 3, chosen: "local" },
    ]);
  });

  it("leaves to a person a step that requires one, with the later operations in the proposal", () => {
    const versions = [{ a: 1 }, { a: 2, b: 1 }];
    const { outcome } = merge("manual", versions, [update({ a: 3 }, 1), update({ b: null }, 2)]);
    expect(outcome).toMatchObject({ kind: "park", proposed: { a: 3 } });
    expect(outcome.overlaps).toMatchObject([{ path: "/a", version: 2, undecided: true }]);
    const policy: MergePolicy = { deleteVsEdit: "park" };
    const onDeleted = [update({ a: 3 }, 1), update({ b: 1 }, 2)];
    const parked = merge("merge", [{ a: 1 }, null], onDeleted, { policy }).outcome;
    expect(parked).toMatchObject({ kind: "park", proposed: { a: 3, b: 1 } });
  });

  it("continues from a tombstone that the device has received", () => {
    const versions = [{ a: 1 }, null];
    const anew = [update({ a: 2 }, 1), put({ b: 1 }, 2)];
    expect(merge("merge", versions, anew).outcome).toMatchObject({ document: { b: 1 } });
    const edited = [update({ a: 1 }, 1), update({ b: 1 }, 2)];
    expect(merge("merge", versions, edited).outcome).toMatchObject({ document: { a: 1, b: 1 } });
  });

  it("knows the document it had edited before it deleted it", () => {
    const operations = [update({ a: 2 }, 1), operation({ kind: "delete", expectedVersion: 1 })];
    const versions = [
      { a: 1, b: 1 },
      { a: 1, b: 1 },
    ];
    expect(merge("merge", versions, operations).outcome).toMatchObject({
      document: null,
      ended: { a: 2, b: 1 },
    });
    expect(merge("merge", versions, operations.slice(1)).outcome).not.toHaveProperty("ended");
  });
});

describe("a run that names a version which history no longer has", () => {
  const versions = [{ a: 1 }, { a: 1, b: 1, c: 1 }, { a: 1, b: 2, c: 1 }];
  const gone: RunHistory = { changes: historyOf(versions).changes.slice(0, 1), lastOwnVersion: 0 };
  const remote = { data: versions[2] ?? null, timestampMs: null };

  it("takes the ancestor that its operation sent along", () => {
    const sent = { ancestor: { a: 1, b: 1, c: 1 } };
    const operations = [update({ mine: 1 }, 1), update({ c: null }, 2, sent)];
    const { outcome } = mergeRun("merge", runOf(operations), gone, remote);
    expect(outcome).toMatchObject({ document: { a: 1, b: 2, mine: 1 }, twoWay: false });
  });

  it("is merged two ways from there, and reports it", () => {
    const operations = [update({ mine: 1 }, 1), update({ c: null, d: 1 }, 2)];
    const { outcome, inputs, raised } = mergeRun("merge", runOf(operations), gone, remote);
    // Without the document, a removal of c is indistinguishable from a later addition of c by others.
    expect(outcome).toMatchObject({ document: { a: 1, b: 2, c: 1, mine: 1, d: 1 }, twoWay: true });
    expect(inputs.ancestor).toBeNull();
    expect(takenRises(raised).resumes).toEqual({
      ancestor: { a: 1 },
      local: { a: 1, mine: 1 },
      localTimestampMs: null,
      localTimes: { in: { mine: { at: null } } },
      unseen: 1,
    });
    // The document moves on, and the drain merges once more.
    const moved = { data: { a: 1, b: 5 }, timestampMs: null };
    const { resumes: _, ...rises } = takenRises(raised);
    const resumed = { ...rises, ...raised, unseen: operations.slice(1) };
    expect(mergeRaised("merge", resumed, moved).outcome).toMatchObject({
      document: { a: 1, b: 5, mine: 1, d: 1 },
    });
  });

  it("continues three ways from the next known version", () => {
    const known: RunHistory = {
      changes: [0, 2].map((n) => historyOf(versions).changes[n]!),
      lastOwnVersion: 0,
    };
    const operations = [update({ mine: 1 }, 1), update({ d: 1 }, 2), update({ b: null }, 3)];
    const { outcome } = mergeRun("merge", runOf(operations), known, remote);
    expect(outcome).toMatchObject({ document: { a: 1, c: 1, mine: 1, d: 1 }, twoWay: true });
  });

  it("of another epoch, or not yet reached, stays on its previous document", () => {
    const ahead = { versionUnknown: true } as const;
    const operations = [update({ a: 2 }, 9, ahead), update({ b: 9 }, 9, ahead)];
    const sent = { a: 1, b: 1, c: 1 };
    const run = runOf(operations, { baseVersion: null, ancestor: sent });
    const { outcome } = mergeRun("merge", run, gone, remote);
    expect(outcome).toMatchObject({ document: { a: 2, b: 9, c: 1 }, twoWay: false });
    expect(versionsOf(run)).toEqual([]);
  });
});

describe("a run that continues from its device's own view", () => {
  // The device's edits of mine became versions 3 and 5; it does not know that yet when it receives the edits of
  // others.
  const versions = [
    { n: 10, mine: 0 },
    { n: 11, mine: 0 },
    { n: 12, mine: 1 },
    { n: 15, mine: 1, theirs: 1 },
    { n: 16, mine: 2, theirs: 1 },
  ];
  const history = historyOf(versions, [3, 5]);
  const remote = { data: versions[4] ?? null, timestampMs: null };
  // Each edit of the device has added 1 to n.
  const run = (...operations: AcceptedOperation[]) => runOf(operations, { deviceView: { n: 12, mine: 2 } });
  const mergeFrom = (...operations: AcceptedOperation[]) =>
    mergeRun("merge", run(...operations), history, remote, COUNTER);

  it("never overlaps with itself, whichever version it has received", () => {
    expect(mergeFrom(update({ n: 13, mine: 3 }, 1)).outcome).toMatchObject({
      document: { n: 17, mine: 3, theirs: 1 },
      overlaps: [],
    });
    // It saw 10 + 1 by others + 2 of its own.
    expect(mergeFrom(update({ n: 14, mine: 3 }, 2)).inputs).toMatchObject({ ancestor: { n: 13, mine: 2 } });
    for (const [version, n] of [
      [2, 13],
      [3, 13],
      [4, 16],
      [5, 16],
    ] as const) {
      const { outcome, inputs } = mergeFrom(update({ n: n + 1, mine: 3 }, version));
      expect([version, inputs.ancestor?.["n"]]).toEqual([version, n]);
      expect([version, outcome]).toMatchObject([
        version,
        { document: { n: 17, mine: 3, theirs: 1 }, overlaps: [] },
      ]);
    }
  });

  it.each<[string, RunHistory]>([
    ["was read", history],
    ["was not read", { changes: [], lastOwnVersion: 0 }],
  ])(
    "keeps its view under a document that it sends for an unknown version, if the history %s",
    (_, known) => {
      const sent = { n: 15, mine: 0, theirs: 1 };
      const later = update({ late: 1 }, 9, { versionUnknown: true, ancestor: sent });
      const own = { ...run(update({ more: 1 }), later), baseVersion: 0 };
      const { inputs } = mergeRun("merge", own, known, remote);
      expect(inputs.ancestor).toMatchObject({ mine: 2, theirs: 1 });
      expect(inputs.local).toMatchObject({ mine: 2, more: 1, late: 1 });
    },
  );

  it("sees the same document, however many changes of others led to it", () => {
    // The device removed a field that others remove and write again.
    const written = [
      { a: 0, b: 0 },
      { b: 0, l: 1 },
      { a: 0, b: 0, l: 1 },
      { b: 0, l: 1 },
    ];
    const seenIn = (history: RunHistory) => {
      const given = runOf([update({ x: 1 }, 3)], { baseVersion: 0, deviceView: { b: 0 } });
      return mergeRun("merge", given, history, { data: written[3] ?? null, timestampMs: null }).inputs
        .ancestor;
    };
    const { changes, lastOwnVersion } = historyOf(written, [1, 4]);
    const folded = changes.flatMap((change) => {
      if (change.version === 2) return [];
      return [change.version === 3 ? { ...change, firstVersion: 2 } : change];
    });
    expect(seenIn({ changes: folded, lastOwnVersion })).toEqual({ b: 0, l: 1 });
    expect(seenIn({ changes, lastOwnVersion })).toEqual({ b: 0, l: 1 });
  });

  it("removes a field that others wrote and it has seen", () => {
    expect(mergeFrom(update({ theirs: null }, 4)).outcome).toMatchObject({ document: { n: 16, mine: 2 } });
    expect(proposedBy(mergeFrom(update({ theirs: null }, 4)).outcome)).not.toHaveProperty("theirs");
  });
});

describe("any run", () => {
  type Flat = Record<string, number>;
  const KEYS = ["a", "b", "c"];
  const flat = fc.record(
    { a: fc.nat(2), b: fc.nat(2), c: fc.nat(2) },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Flat>;
  const edit = fc.record({
    key: fc.constantFrom(...KEYS),
    value: fc.option(fc.nat(2)),
    rises: fc.nat(2),
  });

  /** Merges one place by hand: the device keeps its edit, except its deletion of a value that others edited. */
  function mergeByHand(ancestor: Flat, remote: Flat, local: Flat): Flat {
    const merged: Flat = {};
    for (const key of KEYS) {
      const [was, theirs, mine] = [ancestor[key], remote[key], local[key]];
      const stands = mine === was ? theirs : theirs === was ? mine : (mine ?? theirs);
      if (stands !== undefined) merged[key] = stands;
    }
    return merged;
  }

  it("equals the result of a device that merges by hand whenever it receives a version", () => {
    let risen = 0;
    fc.assert(
      fc.property(
        fc.array(flat, { minLength: 2, maxLength: 6 }),
        fc.array(edit, { minLength: 1, maxLength: 6 }),
        (versions, edits) => {
          const at = (version: number) => versions[version - 1] ?? {};
          const operations: AcceptedOperation[] = [];
          let seen = 1;
          let mine = at(1);
          const removed = new Set<string>();
          const touched = new Set<string>();
          for (const { key, value, rises } of edits) {
            const version = Math.min(seen + rises, versions.length - 1);
            if (version > seen) {
              mine = mergeByHand(at(seen), at(version), mine);
              seen = version;
              risen += 1;
              touched.clear();
              removed.clear();
            }
            operations.push(update({ [key]: value }, version));
            touched.add(key);
            const { [key]: _, ...others } = mine;
            mine = value === null ? others : { ...others, [key]: value };
            if (value === null) removed.add(key);
            else removed.delete(key);
          }
          const now = at(versions.length);
          const { outcome } = merge("merge", versions, operations);
          expect(proposedBy(outcome)).toEqual(mergeByHand(at(seen), now, mine));

          const document = (proposedBy(outcome) ?? {}) as Flat;
          for (const key of KEYS) {
            const isUntouched = mine[key] === at(seen)[key];
            // A field that others wrote, and the device has not touched, is there.
            if (isUntouched) expect([key, document[key]]).toEqual([key, now[key]]);
            // A field that the device removed, and others left alone since, stays removed.
            if (removed.has(key) && now[key] === at(seen)[key]) expect(document).not.toHaveProperty(key);
          }
        },
      ),
      { numRuns: 1_000 },
    );
    expect(risen).toBeGreaterThan(300);
  });

  it("yields at most one merge for each version that it rises to", () => {
    const operations = Array.from({ length: 1_000 }, (_, n) => update({ n }, 1 + Math.floor(n / 100)));
    const versions = Array.from({ length: 10 }, (_, n): JsonObject => ({ v: n }));
    let merges = 0;
    raiseRun(runOf(operations), historyOf(versions), {}, ({ remote: { data: document } }) => {
      merges += 1;
      return { document, overlaps: [], twoWay: false };
    });
    expect(merges).toBe(9);
    expect(versionsOf(runOf(operations))).toHaveLength(10);
  });
});

it("a run whose replay exceeds the limit is left to a person, and the proposal is the stored document", () => {
  const wide = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`k${n}`, n]));
  const operations = Array.from({ length: 1_000 }, (_, position) => update({ edited: position }));
  const remote = { data: { ...wide, theirs: true }, timestampMs: 1 };
  const { outcome, costly } = mergeRun("merge", runOf(operations), historyOf([wide]), remote);
  expect(costly).toBe(true);
  expect(outcome).toEqual({ kind: "park", reason: RUN_TOO_COSTLY, proposed: remote.data, overlaps: [] });
});
