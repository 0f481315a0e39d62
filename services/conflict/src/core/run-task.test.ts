import type { JsonPatchStep } from "@syncline/shared/document";
import { RUN_TOO_COSTLY } from "@syncline/shared/operations";
import type { AcceptedOperation } from "@syncline/shared/protocol";
import { describe, expect, it } from "vitest";
import { giveUp, runTask, type MergeTask } from "./run-task.ts";
import type { RecordedCase } from "./preview-conflict.ts";

const original = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`k${n}`, n]));
const ancestor = { original };
/** A patch that repeatedly copies an object and changes the copy. */
const copies = (times: number): JsonPatchStep[] =>
  Array.from({ length: times }).flatMap((_, n) => [
    { op: "copy", from: "/original", path: "/copy" },
    { op: "replace", path: "/copy/k0", value: `edit ${n}` },
  ]);
const edit = (position: number, times: number): AcceptedOperation => ({
  clientId: `op-${position}`,
  position,
  kind: "update",
  collection: "documents",
  documentId: "doc",
  patch: copies(times),
  fingerprint: "",
});

/** A device's run behind a conflict. */
function caseOf({ operations, times }: { operations: number; times: number }): RecordedCase {
  return {
    conflict: {
      workspaceId: "w",
      conflictId: "c",
      collection: "documents",
      documentId: "doc",
      deviceId: "d",
      status: "parked",
      strategy: "merge",
      hook: null,
      round: 2,
      currentVersion: 2,
      revision: 1,
      baseVersion: 1,
      ancestor: null,
      deviceView: null,
      ancestorView: null,
      remoteView: null,
      localView: null,
      overlapList: null,
      viewsKept: true,
      operations: Array.from({ length: operations }, (_, n) => edit(n, times)),
    },
    remote: { version: 2, data: { ...ancestor, theirs: true }, timestampMs: 1 },
    history: {
      changes: [
        { firstVersion: 1, version: 1, data: ancestor, deleted: false, timestampMs: null, own: false },
      ],
      lastOwnVersion: 0,
    },
  };
}

const tasksOn = (on: RecordedCase) =>
  ({
    merge: { kind: "merge", on, roundsMax: 8, policy: {}, hasHook: false, reports: [] },
    show: { kind: "show", on, policy: {} },
    preview: { kind: "preview", on, policy: {} },
    server: { kind: "decide", on, choice: "server", policy: {} },
    data: { kind: "decide", on, choice: "data", policy: {} },
    local: { kind: "decide", on, choice: "local", policy: {} },
    merged: { kind: "decide", on, choice: "merged", policy: {} },
  }) as const satisfies Record<string, MergeTask>;

describe.each([
  ["whose run exceeds the cost limit", caseOf({ operations: 50, times: 45 }), runTask],
  ["whose merge was given up", caseOf({ operations: 1, times: 1 }), giveUp],
] as const)("a conflict %s", (_what, on, run) => {
  const tasks = tasksOn(on);
  const server = on.remote.data;

  it("is left to a person", () => {
    const outcome = { kind: "park", reason: RUN_TOO_COSTLY, proposed: server, overlaps: [] };
    const resolution = { conflictId: "c", round: 2, expectedVersion: 2, outcome };
    expect(run(tasks.merge)).toMatchObject({ kind: "merged", resolution });
  });

  it("is shown without the device's document", () => {
    const sides = { version: 2, ancestor, remote: server, local: null, too_costly: true };
    expect(run(tasks.show)).toEqual(sides);
    expect(JSON.parse(run(tasks.preview) as string)).toEqual({
      conflict_id: "c",
      status: "parked",
      ...sides,
      choices: { server: { document: server, overlaps: [] }, local: null, merged: null },
      strategies: null,
    });
  });

  it("can be decided with the server's document or another one, and with no choice that needs a merge", () => {
    expect(run(tasks.server)).toMatchObject({ document: server, costly: false });
    expect(run(tasks.data)).toMatchObject({ document: null, costly: false });
    expect(run(tasks.local)).toMatchObject({ document: undefined, costly: true });
    expect(run(tasks.merged)).toMatchObject({ document: undefined, costly: true });
  });
});

it("previews a conflict with a short run completely", () => {
  const tasks = tasksOn(caseOf({ operations: 2, times: 1 }));
  const merged = { original, copy: { ...original, k0: "edit 0" }, theirs: true };
  expect(runTask(tasks.merged)).toMatchObject({ document: merged, costly: false });
  expect(runTask(tasks.merge)).toMatchObject({
    resolution: { outcome: { kind: "commit", document: merged } },
  });
  expect(runTask(tasks.show)).not.toHaveProperty("too_costly");
});
