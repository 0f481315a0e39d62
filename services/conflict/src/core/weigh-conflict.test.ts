import { describe, expect, it } from "vitest";
import {
  sidesOf,
  weighChoice,
  weighStrategies,
  type RecordedCase,
  type RecordedConflict,
} from "./weigh-conflict.ts";

const NEW = { title: "New", body: "" };
const THEIRS = { title: "Theirs", body: "" };
const MINE = { title: "Mine", body: "Text" };

/** A device has changed title and body, and others the title. */
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
    historic: { data: NEW, deleted: false },
  };
}

const resolved = { status: "resolved", ancestorView: NEW, remoteView: THEIRS, localView: MINE } as const;

describe("what a conflict could come to", () => {
  it("is, while it waits for a person, what stands there now", () => {
    const on = conflictCase();
    expect(sidesOf(on, {})).toMatchObject({ inputs: { ancestor: NEW, local: MINE }, remote: THEIRS });
    expect(weighChoice("server", on, {})?.document).toEqual(THEIRS);
    expect(weighChoice("local", on, {})?.document).toEqual(MINE);
    expect(weighChoice("merged", on, {})).toMatchObject({ document: MINE, overlaps: [{ path: "/title" }] });
  });

  it("differs by strategy", () => {
    expect(weighStrategies(conflictCase(), {})).toMatchObject({
      merge: { document: MINE, reason: null },
      "client-wins": { document: MINE },
      "server-wins": { document: THEIRS },
      "last-write-wins": { document: { title: "Theirs", body: "Text" } },
      manual: { document: MINE, reason: expect.stringContaining("a person") },
    });
  });

  it("follows the collection's policy, whose proposal is what a person is shown", () => {
    const deleted = { ...conflictCase(), remote: { version: 2, data: null, timestampMs: 9 } };
    const policy = { deleteVsEdit: "park" } as const;
    expect(weighStrategies(deleted, policy).merge.reason).toContain("deleted");
    expect(weighChoice("server", deleted, policy)?.document).toBeNull();
  });

  it("is, once it is resolved, one of the sides of that time, or brings the device's values into what is there", () => {
    const on = conflictCase({ ...resolved, operations: [] }, {
      title: "Later",
      body: "",
      tag: 1,
    } as typeof NEW);
    // Nothing of it needs the history.
    on.historic = null;
    expect(weighChoice("server", on, {})?.document).toEqual(THEIRS);
    expect(weighChoice("local", on, {})?.document).toEqual(MINE);
    expect(weighChoice("merged", on, {})?.document).toEqual({ ...MINE, tag: 1 });
  });

  it("is never taken from a side that the record does not have", () => {
    const on = conflictCase({ ...resolved, ancestorView: null, remoteView: null, viewsKept: false });
    expect(weighChoice("server", on, {})).toBeUndefined();
    expect(weighChoice("local", on, {})?.document).toEqual(MINE);
    expect(weighChoice("merged", on, {})?.document).toEqual(MINE);
  });
});
