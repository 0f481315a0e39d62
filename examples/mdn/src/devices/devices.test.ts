import { expect, it } from "vitest";
import { readRelease } from "../features.ts";
import { diffFields, fieldsTouch } from "../field-writes.ts";
import { packBatches, type Device, type PlannedOperation } from "./device.ts";
import { planEditsDevice } from "./edits-device.ts";
import { planNewerDevice } from "./newer-device.ts";

const older = (await readRelease("mdn-data-older")).features;
const newer = (await readRelease("mdn-data-newer")).features;

function planWrites({ change }: PlannedOperation) {
  if (change.kind !== "update") throw new Error(`an edit is a ${change.kind}`);
  return change.writes;
}

it("plans the same edits for every run", () => {
  expect(planEditsDevice("one", older, newer).runs).toEqual(planEditsDevice("two", older, newer).runs);
});

it("edits documents that the newer release changed, removed and left alone, and fields that it wrote", () => {
  let [shared, changed, removed, unchanged] = [0, 0, 0, 0];
  for (const run of planEditsDevice("run", older, newer).runs) {
    const path = run[0]?.documentId ?? "";
    const after = newer.get(path);
    const theirs = after === undefined ? [] : diffFields(older.get(path) ?? {}, after);
    if (after === undefined) removed += 1;
    else if (theirs.length > 0) changed += 1;
    else unchanged += 1;
    for (const write of run.flatMap(planWrites)) {
      for (const their of theirs.filter((other) => fieldsTouch(write, other))) {
        // Only the very same field may be written by both: a field and one inside it have no single right merge.
        expect(their.keys, path).toEqual(write.keys);
        expect(their.value, path).not.toEqual(write.value);
        shared += 1;
      }
    }
  }
  for (const count of [shared, changed, removed, unchanged]) expect(count).toBeGreaterThan(5);
});

it("sends one operation for each feature that changed between the releases", () => {
  const { runs } = planNewerDevice("run", older, newer);
  expect(runs.every((run) => run.length === 1)).toBe(true);
  const ids = runs.flat().map((operation) => operation.clientId);
  expect(new Set(ids).size).toBe(ids.length);
});

it("keeps a run together and a batch at 100 operations or fewer", () => {
  const operation = { clientId: "c", documentId: "d", change: { kind: "delete" } } as const;
  const device: Device = {
    deviceId: "x",
    runs: Array.from({ length: 60 }, () => [operation, operation, operation]),
  };
  expect(packBatches(device).map((batch) => batch.length)).toEqual([99, 81]);
});
