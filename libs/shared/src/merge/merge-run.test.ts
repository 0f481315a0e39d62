import { expect, it } from "vitest";
import type { AcceptedOperation } from "../protocol/lane-entry.ts";
import { mergeRun, RUN_TOO_COSTLY } from "./merge-run.ts";

it("a run that takes more to replay than it may is left to a person, with nothing proposed but what stands there", () => {
  const wide = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`k${n}`, n]));
  const operations = Array.from({ length: 1_000 }, (_, position): AcceptedOperation => ({
    clientId: `op-${position}`,
    position,
    kind: "update",
    collection: "documents",
    documentId: "doc",
    data: { edited: position },
    fingerprint: "",
  }));
  const run = { baseVersion: 1, ancestor: null, deviceView: null, operations };
  const remote = { data: { ...wide, theirs: true }, timestampMs: 1 };
  const { outcome, costly } = mergeRun("merge", run, { data: wide, deleted: false }, remote);
  expect(costly).toBe(true);
  expect(outcome).toEqual({ kind: "park", reason: RUN_TOO_COSTLY, proposed: remote.data, overlaps: [] });
});
