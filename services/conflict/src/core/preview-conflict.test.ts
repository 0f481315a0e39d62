import { NO_HISTORY } from "@syncline/shared/operations";
import { describe, expect, it } from "vitest";
import {
  sidesOf,
  previewChoice,
  previewStrategies,
  type RecordedCase,
  type RecordedConflict,
} from "./preview-conflict.ts";

const NEW = { title: "New", body: "" };
const THEIRS = { title: "Theirs", body: "" };
const MINE = { title: "Mine", body: "Text" };

/** A conflict: one device changed the title and the body, another one the title. */
function conflictCase(conflict: Partial<RecordedConflict> = {}, now = THEIRS): RecordedCase {
  return {
    conflict: {
      workspaceId: "w1",
      conflictId: "c1",
      collection: "documents",
      documentId: "d1",
      deviceId: "dev_1",
      status: "parked",
      strategy: "manual",
      hook: null,
      round: 1,
      currentVersion: 2,
      revision: 3,
      baseVersion: 1,
      ancestor: null,
      deviceView: null,
      ancestorView: null,
      remoteView: null,
      localView: null,
      overlapList: null,
      viewsKept: true,
      operations: [
        {
          clientId: "op_1",
          position: 0,
          kind: "put",
          collection: "documents",
          documentId: "d1",
          data: MINE,
          fingerprint: "f",
          timestampMs: 5,
        },
      ],
      ...conflict,
    },
    remote: { version: 2, data: now, timestampMs: 9 },
    history: {
      changes: [
        { firstVersion: 1, version: 1, data: NEW, deleted: false, own: false, timestampMs: null },
        { firstVersion: 2, version: 2, data: THEIRS, deleted: false, own: false, timestampMs: null },
      ],
      lastOwnVersion: 0,
    },
  };
}

const resolved = { status: "resolved", ancestorView: NEW, remoteView: THEIRS, localView: MINE } as const;

describe("the preview of a conflict", () => {
  it("shows the current documents while the conflict waits for a person", () => {
    const on = conflictCase();
    expect(sidesOf(on, {})).toMatchObject({ inputs: { ancestor: NEW, local: MINE }, remote: THEIRS });
    expect(previewChoice("server", on, {})?.document).toEqual(THEIRS);
    expect(previewChoice("local", on, {})?.document).toEqual(MINE);
    expect(previewChoice("merged", on, {})).toMatchObject({ document: MINE, overlaps: [{ path: "/title" }] });
  });

  it("differs by strategy", () => {
    expect(previewStrategies(conflictCase(), {})).toMatchObject({
      merge: { document: MINE, reason: null },
      "client-wins": { document: MINE },
      "server-wins": { document: THEIRS },
      "last-write-wins": { document: { title: "Theirs", body: "Text" } },
      manual: { document: MINE, reason: expect.stringContaining("a person") },
    });
  });

  it("follows the collection's policy, whose proposal the person sees", () => {
    const deleted = { ...conflictCase(), remote: { version: 2, data: null, timestampMs: 9 } };
    const policy = { deleteVsEdit: "park" } as const;
    expect(previewStrategies(deleted, policy).merge.reason).toContain("deleted");
    expect(previewChoice("server", deleted, policy)?.document).toBeNull();
  });

  it("takes, once the conflict is resolved, a recorded side, or merges the device's values into the current document", () => {
    const on = conflictCase({ ...resolved, operations: [] }, {
      title: "Later",
      body: "",
      tag: 1,
    } as typeof NEW);
    // The history is not needed.
    on.history = NO_HISTORY;
    expect(previewChoice("server", on, {})?.document).toEqual(THEIRS);
    expect(previewChoice("local", on, {})?.document).toEqual(MINE);
    expect(previewChoice("merged", on, {})?.document).toEqual({ ...MINE, tag: 1 });
  });

  it("is undefined for a side that the record does not have", () => {
    const on = conflictCase({ ...resolved, ancestorView: null, remoteView: null, viewsKept: false });
    expect(previewChoice("server", on, {})).toBeUndefined();
    expect(previewChoice("local", on, {})?.document).toEqual(MINE);
    expect(previewChoice("merged", on, {})?.document).toEqual(MINE);
  });
});

describe("the preview of a conflict whose device had received a version meanwhile", () => {
  /** The device changed the title of version 1, received version 2, and then changed the body. */
  const rising = (conflict: Partial<RecordedConflict> = {}, now = THEIRS) => {
    const [first] = conflictCase().conflict.operations;
    if (first === undefined) throw new Error("the case has no operation");
    const title = { ...first, kind: "update", data: { title: "Mine" }, expectedVersion: 1 } as const;
    const body = { ...title, clientId: "op_2", data: { body: "After" }, expectedVersion: 2 } as const;
    return conflictCase({ operations: [title, body], ...conflict }, now);
  };

  it("keeps the later operations with either title", () => {
    expect(previewChoice("server", rising(), {})?.document).toEqual({ title: "Theirs", body: "After" });
    expect(previewChoice("local", rising(), {})?.document).toEqual({ title: "Mine", body: "After" });
    expect(previewChoice("merged", rising(), {})).toMatchObject({
      document: { title: "Mine", body: "After" },
      overlaps: [{ path: "/title", version: 2 }],
    });
    expect(sidesOf(rising(), {})).toMatchObject({ inputs: { ancestor: THEIRS }, remote: THEIRS });
  });

  it("takes the server's side whole if the person must decide on later operations, too, or not on the rise", () => {
    const both = rising({}, { title: "Theirs", body: "Theirs" });
    expect(previewChoice("server", both, {})?.document).toEqual({ title: "Theirs", body: "Theirs" });
    const tooLarge = rising({ strategy: "merge" });
    expect(previewChoice("server", tooLarge, {})?.document).toEqual(THEIRS);
  });

  it("knows the rise that a hook has asked about", () => {
    const asked = { path: "/title", remote: "Theirs", local: "Mine", chosen: "local" } as const;
    const overlapList = [{ ...asked, version: 2, undecided: true as const }];
    const on = rising({ strategy: "merge", hook: "asked", overlapList });
    expect(previewChoice("server", on, {})?.document).toEqual({ title: "Theirs", body: "After" });
  });

  it("shows the outcome of each strategy, rise by rise", () => {
    const strategies = previewStrategies(rising(), {});
    expect(strategies["server-wins"].document).toEqual({ title: "Theirs", body: "After" });
    expect(strategies["client-wins"].document).toEqual({ title: "Mine", body: "After" });
    expect(strategies.manual).toMatchObject({ document: { title: "Mine", body: "After" } });
    expect(strategies.manual.reason).toMatch(/leaves that to a person/);
  });
});
