import { describe, expect, it } from "vitest";
import type { Effect } from "../public/outcomes.ts";
import { toWire } from "./freeze.ts";
import { beginSnapshot, endSnapshot, sweepMissing, takeSnapshotPage } from "./read-snapshot.ts";
import { endUnit } from "./settle-results.ts";
import { change, DEVICE, draftOf, EPOCH, ofSnapshot, refusal, success } from "./testing/draft-of.ts";

const put = (data: Record<string, number | string | string[]>): Effect => ({ kind: "put", data });
const update = (data: Record<string, number | string | string[]>): Effect => ({ kind: "update", data });
/** An append that shows twice if it is applied twice. */
const append = (item: string): Effect => ({
  kind: "update",
  patch: [{ op: "add", path: "/items/-", value: item }],
});

describe("R2: the view is the base and then each operation in order", () => {
  it("with acknowledged and parked ones", () => {
    const { write, send, answer, pull, shown } = draftOf();
    pull(1, change("a", 1, 1, { n: 1 }));
    write("a", update({ x: 1 }));
    const [first = ""] = send();
    write("a", update({ y: 1 }));
    answer(success(first, 5, 2));
    expect(shown("a")).toEqual({ n: 1, x: 1, y: 1 });
    const [second = ""] = send();
    answer({
      client_id: second,
      status: "conflict",
      error_type: "parked",
      conflict_data: { expected_version: 2, current_version: 3, conflict_id: "c" },
    });
    expect(shown("a")).toEqual({ n: 1, x: 1, y: 1 });
  });

  it("without an operation that does not fit, which stays in the outbox", () => {
    const { write, pull, shown, outbox } = draftOf();
    pull(1, change("a", 1, 1, { items: [] }));
    write("a", append("mine"));
    pull(2, change("a", 2, 2, { other: 1 }));
    expect(shown("a")).toEqual({ other: 1 });
    expect(outbox()).toHaveLength(1);
    pull(3, change("a", 3, 3, { items: ["theirs"] }));
    expect(shown("a")).toEqual({ items: ["theirs", "mine"] });
  });
});

describe("R3: an edit names the version that its user saw", () => {
  it("also if a newer one is pulled before it is sent", () => {
    const { write, send, pull, outbox, shown } = draftOf();
    pull(1, change("a", 1, 1, { n: 1 }));
    write("a", update({ x: 1 }));
    pull(2, change("a", 2, 2, { n: 2 }));
    expect(shown("a")).toEqual({ n: 2, x: 1 });
    send();
    expect(outbox()[0]?.wire?.expectedVersion).toBe(1);
    // The base that it was made on is kept, so that it can be sent along.
    pull(3, change("a", 3, 3, null));
  });

  it.each<[string, Effect, Record<string, number | string[]>, number]>([
    ["shows the newer version", update({ x: 1 }), { n: 2, items: ["a"] }, 2],
    ["hides it behind a whole document", put({ n: 1, items: ["a"], x: 1 }), { n: 2, items: ["a"] }, 1],
    ["hides a member of it", update({ n: 7 }), { n: 2, items: ["a"] }, 1],
    ["hides an item of it", update({ items: ["a", "mine"] }), { n: 1, items: ["a", "theirs"] }, 1],
  ])("the newer one only if it is shown: a waiting edit %s", (_, waiting, theirs, expected) => {
    const { write, pull, outbox } = draftOf();
    pull(1, change("a", 1, 1, { n: 1, items: ["a"] }));
    write("a", waiting);
    pull(2, change("a", 2, 2, theirs));
    write("a", update({ y: 1 }));
    expect(outbox().map(({ anchor }) => anchor.version)).toEqual([1, expected]);
  });

  it("the newer one if a merge shows all of it", () => {
    const { write, pull, outbox } = draftOf({}, { rebase: ({ base }) => base, deleteWins: () => false });
    pull(1, change("a", 1, 1, { n: 1 }));
    write("a", put({ n: 7 }));
    pull(2, change("a", 2, 2, { n: 2 }));
    write("a", update({ y: 1 }));
    expect(outbox().map(({ anchor }) => anchor.version)).toEqual([1, 2]);
  });

  it("and edits with another anchor do not fold", () => {
    const { write, send, pull, outbox } = draftOf();
    pull(1, change("a", 1, 1, { n: 1 }));
    write("a", update({ x: 1 }));
    pull(2, change("a", 2, 2, { n: 2 }));
    write("a", update({ x: 2 }));
    expect(send()).toHaveLength(1);
    expect(outbox().map(({ state, anchor }) => [state, anchor.version])).toEqual([
      ["sent", 1],
      ["queued", 2],
    ]);
  });

  it("behind an own create, it is the version of the answer", () => {
    const { write, send, answer, outbox, shown } = draftOf();
    write("a", { kind: "create", data: { n: 1 } });
    const [created = ""] = send();
    write("a", update({ x: 1 }));
    expect(outbox()[1]?.anchor).toEqual({ version: null, epoch: null, own: true });
    answer(success(created, 4, 7));
    send();
    expect(outbox()[1]?.wire).toMatchObject({ expectedVersion: 7, epoch: EPOCH });
    expect(shown("a")).toEqual({ n: 1, x: 1 });
  });

  it("behind an answered write that no merge made, it is that version; behind a merge it is the base's", () => {
    for (const merged of [false, true]) {
      const { write, send, answer, pull, outbox } = draftOf();
      pull(1, change("a", 1, 1, { n: 1 }));
      write("a", update({ x: 1 }));
      const [first = ""] = send();
      answer(success(first, 5, 4, merged ? { merged: true } : {}));
      write("a", update({ x: 2 }));
      expect(outbox()[1]?.anchor.version).toBe(merged ? 1 : 4);
    }
  });
});

describe("R7: a document has one unanswered operation", () => {
  it("and others are sent", () => {
    const { write, send, answer } = draftOf();
    write("a", put({ n: 1 }));
    const [first = ""] = send();
    write("a", put({ n: 2 }));
    write("a", put({ n: 3 }));
    write("b", put({ n: 1 }));
    const others = send();
    expect(others).toHaveLength(2);
    expect(others[0]).toBe(first);
    answer(success(first, 1, 1));
    const again = send();
    expect(again).toHaveLength(2);
    expect(again).not.toContain(first);
  });

  it("but edits behind a parked one are sent", () => {
    const { write, send, answer, outbox, pull } = draftOf();
    pull(1, change("a", 1, 1, { n: 1 }));
    write("a", update({ x: 1 }));
    const [first = ""] = send();
    answer({ client_id: first, status: "conflict", error_type: "parked" });
    write("a", update({ x: 2 }));
    expect(send()).toHaveLength(1);
    expect(outbox().map(({ state }) => state)).toEqual(["parked", "sent"]);
  });
});

describe("R8: an answered operation leaves with the base that has it", () => {
  it("and not with its answer", () => {
    const { write, send, answer, pull, outbox, shown } = draftOf();
    pull(1, change("a", 1, 1, { items: [] }));
    write("a", append("mine"));
    const [id = ""] = send();
    answer(success(id, 3, 2));
    expect(outbox()).toHaveLength(1);
    expect(shown("a")).toEqual({ items: ["mine"] });
    pull(2, change("b", 2, 1, {}));
    expect(shown("a")).toEqual({ items: ["mine"] });
    pull(3, change("a", 3, 2, { items: ["mine"] }, DEVICE));
    expect(outbox()).toEqual([]);
    expect(shown("a")).toEqual({ items: ["mine"] });
  });

  it("a success that needed no write leaves with the checkpoint", () => {
    const { write, send, answer, pull, outbox } = draftOf();
    pull(1, change("a", 1, 1, {}));
    write("a", { kind: "delete" });
    const [id = ""] = send();
    answer(success(id, 4, 2));
    pull(4);
    expect(outbox()).toEqual([]);
  });
});

describe("R9: a state that may contain an unanswered operation waits beside the base", () => {
  it.each([
    ["by this device", DEVICE, undefined],
    ["by no device, which may be a decision", null, undefined],
    ["of a snapshot, which names no device", "snapshot", undefined],
    ["by this device, that lists it", DEVICE, ["client-1"]],
    // The device has taken a new id since: the server tells the operations of that one.
    ["by this device, that lists those of its later id", DEVICE, [], "device-2"],
  ])("%s", (_, device, clientIds, asker = DEVICE) => {
    const { write, send, answer, pull, shown, row } = draftOf();
    pull(1, change("a", 1, 1, { items: [] }));
    write("a", append("mine"));
    const [id = ""] = send();
    const state = change("a", 2, 2, { items: ["mine"] }, device, clientIds, asker);
    pull(2, device === "snapshot" ? ofSnapshot(state) : state);
    expect(shown("a")).toEqual({ items: ["mine"] });
    expect(row("a").heldBack?.seq).toBe(2);
    // All that follows for the document waits, too.
    pull(3, change("a", 3, 3, { items: ["mine", "theirs"] }));
    expect(shown("a")).toEqual({ items: ["mine"] });
    answer(success(id, 2, 2));
    expect(shown("a")).toEqual({ items: ["mine", "theirs"] });
    expect(row("a").heldBack).toBeNull();
  });

  it.each([
    ["of another device", "other", undefined, 5],
    ["by this device, from before it was frozen", DEVICE, undefined, 2],
    ["by this device, that lists others", DEVICE, ["another"], 5],
  ])("and one %s is applied at once", (_, device, clientIds, seq) => {
    const { write, send, pull, shown, row } = draftOf({ knownSeq: 3 });
    pull(1, change("a", 1, 1, { items: [] }));
    write("a", append("mine"));
    send();
    pull(seq, change("a", seq, 2, { items: ["theirs"] }, device, clientIds));
    expect(shown("a")).toEqual({ items: ["theirs", "mine"] });
    expect(row("a").heldBack).toBeNull();
  });
});

describe("R10: while something is held back, the base's own seq decides what leaves", () => {
  /** Two parked operations that a decision has settled: both are asked for again, and answered one by one. */
  const decided = () => {
    const test = draftOf();
    test.pull(1, change("a", 1, 1, { items: [] }));
    test.write("a", append("one"));
    const [first = ""] = test.send();
    test.answer({ client_id: first, status: "conflict", error_type: "parked" });
    test.write("a", append("two"));
    const [second = ""] = test.send();
    test.answer({
      client_id: second,
      status: "conflict",
      error_type: "behind_conflict",
      conflict_data: { expected_version: 1, current_version: 2, conflict_status: "parked" },
    });
    test.pull(9, change("a", 9, 4, { items: ["one", "two"] }, null));
    return { ...test, first, second };
  };

  it("not the position of the feed: an own item would vanish", () => {
    const { answer, shown, first, second, outbox } = decided();
    expect(shown("a")).toEqual({ items: ["one", "two"] });
    answer(success(first, 9, 4, { merged: true, decided: "merged" }));
    expect(shown("a")).toEqual({ items: ["one", "two"] });
    expect(outbox()).toHaveLength(2);
    answer(success(second, 9, 4, { merged: true, decided: "merged" }));
    expect(shown("a")).toEqual({ items: ["one", "two"] });
    expect(outbox()).toEqual([]);
  });

  it("not nothing: an item that the base has would be shown twice", () => {
    const { write, send, answer, pull, shown, outbox } = draftOf();
    pull(1, change("a", 1, 1, { items: [] }));
    write("a", append("one"));
    const [first = ""] = send();
    answer(success(first, 2, 2));
    write("a", append("two"));
    const [second = ""] = send();
    // One page has both: the first is applied, the second waits for its answer.
    pull(
      3,
      change("a", 2, 2, { items: ["one"] }, DEVICE),
      change("a", 3, 3, { items: ["one", "two"] }, DEVICE),
    );
    expect(shown("a")).toEqual({ items: ["one", "two"] });
    expect(outbox().map(({ effect }) => effect)).toEqual([append("two")]);
    answer(success(second, 3, 3));
    expect(shown("a")).toEqual({ items: ["one", "two"] });
  });
});

describe("R11: an edit beats a deletion in the view", () => {
  it("and the document that it was made on is sent as its ancestor", () => {
    const { draft, write, send, pull, shown, outbox, row } = draftOf();
    pull(1, change("a", 1, 1, { n: 1 }));
    write("a", update({ x: 1 }));
    pull(2, change("a", 2, 2, null));
    expect(shown("a")).toEqual({ n: 1, x: 1 });
    send();
    const [operation] = outbox();
    if (operation === undefined) throw new Error("no operation");
    expect(toWire(operation, row("a"), EPOCH, 0)).toMatchObject({ ancestor: { n: 1 }, expected_version: 1 });
    expect(draft.documents.size).toBe(1);
  });

  it("unless the collection says that deletions win", () => {
    const { write, pull, shown, outbox } = draftOf({}, { deleteWins: () => true });
    pull(1, change("a", 1, 1, { n: 1 }));
    write("a", update({ x: 1 }));
    pull(2, change("a", 2, 2, null));
    expect(shown("a")).toBeNull();
    expect(outbox()).toHaveLength(1);
  });
});

describe("R12: a refusal falls out with its outcome", () => {
  it("and the rest is replayed without it", () => {
    const { draft, write, send, answer, pull, shown, outbox } = draftOf();
    pull(1, change("a", 1, 1, { n: 1 }));
    write("a", update({ bad: 1 }));
    const [bad = ""] = send();
    write("a", update({ good: 1 }));
    answer(refusal(bad));
    expect(shown("a")).toEqual({ n: 1, good: 1 });
    expect(outbox()).toHaveLength(1);
    expect(draft.outcomes).toMatchObject([
      {
        code: "refused",
        errorType: "patch_failed",
        reason: "the reason",
        operations: [{ effect: update({ bad: 1 }) }],
      },
    ]);
    expect(draft.documents.get("notes\na")).toMatchObject({ status: "failed" });
  });

  it("a group leaves whole", () => {
    const { draft, write, send, answer, outbox, shown } = draftOf();
    for (const id of ["a", "b", "c"]) write(id, put({ n: 1 }), { group: "g" });
    write("d", put({ n: 1 }));
    const [a = "", b = "", c = "", d = ""] = send();
    const skipped = (client_id: string) => ({ client_id, status: "skipped" }) as const;
    answer(skipped(a), refusal(b), skipped(c), success(d, 1, 1));
    expect(outbox().map(({ documentId }) => documentId)).toEqual(["d"]);
    expect(draft.outcomes).toHaveLength(1);
    expect(draft.outcomes[0]).toMatchObject({ failing: 1, operations: [{}, {}, {}] });
    expect(["a", "b", "c"].map(shown)).toEqual([null, null, null]);
  });

  it.each([
    ["a reported conflict", { status: "conflict", error_type: "version_mismatch" }, "conflict"],
    [
      "one behind a reported conflict",
      {
        status: "conflict",
        error_type: "behind_conflict",
        conflict_data: { expected_version: 1, current_version: 1, conflict_status: "reported" },
      },
      "conflict",
    ],
    ["an id that the ledger no longer has", { error_type: "client_id_expired" }, "unknown"],
  ] as const)("%s is an outcome", (_, result, code) => {
    const { draft, write, send, answer, outbox } = draftOf();
    write("a", put({ n: 1 }));
    const [id = ""] = send();
    answer(refusal(id, result));
    expect(outbox()).toEqual([]);
    expect(draft.outcomes[0]?.code).toBe(code);
  });

  it("an operation that the device ends may have been applied if it was sent", () => {
    const { draft, write, outbox, shown } = draftOf();
    write("a", put({ n: 1 }));
    endUnit(draft, outbox(), { code: "discarded" });
    expect(shown("a")).toBeNull();
    expect(draft.outcomes).toHaveLength(1);
  });
});

describe("a snapshot", () => {
  it("deletes what it does not contain, and keeps what edits wait for", () => {
    const { draft, write, pull, shown, outbox } = draftOf();
    pull(3, change("gone", 1, 1, { n: 1 }), change("edited", 2, 1, { n: 1 }), change("kept", 3, 1, { n: 1 }));
    write("edited", update({ x: 1 }));
    beginSnapshot(draft, { epoch: EPOCH, seq: 10 });
    takeSnapshotPage(draft, [ofSnapshot(change("kept", 7, 2, { n: 2 }))], null);
    expect(shown("gone")).toEqual({ n: 1 });
    sweepMissing(draft);
    endSnapshot(draft);
    expect(shown("gone")).toBeNull();
    expect(shown("kept")).toEqual({ n: 2 });
    expect(shown("edited")).toEqual({ n: 1, x: 1 });
    expect(outbox()).toHaveLength(1);
    expect(draft.row).toMatchObject({ checkpoint: 10, snapshot: null });
  });

  it("of another history has every answered operation sent again, unchanged, with its ancestor", () => {
    const { draft, write, send, answer, pull, outbox, row } = draftOf();
    pull(1, change("a", 1, 1, { n: 1 }));
    write("a", update({ x: 1 }));
    const [id = ""] = send();
    answer(success(id, 5, 2));
    write("a", update({ y: 1 }));
    beginSnapshot(draft, { epoch: "epoch-2", seq: 2 });
    expect(outbox().map(({ state, wire }) => [state, wire?.clientId])).toEqual([
      ["sent", id],
      ["queued", undefined],
    ]);
    const other = ofSnapshot(change("a", 2, 9, { n: 9 }));
    takeSnapshotPage(draft, [{ ...other, base: { ...other.base, epoch: "epoch-2" } }], null);
    endSnapshot(draft);
    const [first] = outbox();
    if (first === undefined) throw new Error("no operation");
    // The row may contain the operation, so that it is held back until the answer.
    expect(row("a").heldBack?.version).toBe(9);
    expect(toWire(first, row("a"), "epoch-2", 0)).toMatchObject({
      client_id: id,
      expected_version: 1,
      ancestor: { n: 1 },
    });
  });
});
