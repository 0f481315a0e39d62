import { RUN_TOO_COSTLY } from "@syncline/shared/operations";
import { describe, expect, it } from "vitest";
import { ancestor, caseOf, original } from "../testing/costly-case.ts";
import { giveUp, runTask, type MergeTask } from "./run-task.ts";
import type { RecordedCase } from "./preview-conflict.ts";

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
