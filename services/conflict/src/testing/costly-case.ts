import type { JsonPatchStep } from "@syncline/shared/document";
import type { AcceptedOperation } from "@syncline/shared/protocol";
import type { RecordedCase } from "../core/preview-conflict.ts";

export const original = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`k${n}`, n]));
export const ancestor = { original };
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

/** A conflict with a device's run of patches, each of which costs as much as the object has keys. */
export function caseOf({ operations, times }: { operations: number; times: number }): RecordedCase {
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
