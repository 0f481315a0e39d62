import { describe, expect, it } from "vitest";
import type { LaneEntry } from "../protocol/lane-entry.ts";
import { laneEntrySchema } from "./lane-entry.ts";
import { readWire } from "./read-wire.ts";

const inputs = { ancestor: null, local: { a: 1 }, localTimestampMs: null };
const BATCH: LaneEntry = {
  kind: "batch",
  batch: {
    batchId: "b1",
    workspaceId: "w1",
    deviceId: "d1",
    deviceDeclared: true,
    subject: "anna",
    requestId: "r1",
    acceptedAtMs: 1,
    replyTo: "ingest-1",
    atomic: false,
    operations: [
      {
        clientId: "op1",
        position: 0,
        kind: "update",
        collection: "documents",
        documentId: "doc1",
        patch: [
          { op: "add", path: "/a", value: null },
          { op: "move", from: "/a", path: "/b" },
        ],
        fingerprint: "f",
        decision: { conflictId: "c1", choice: "local", revision: 3, version: 0, inputs },
      },
    ],
  },
  trace: {},
};
const RESOLUTION: LaneEntry = {
  kind: "resolution",
  resolution: {
    workspaceId: "w1",
    collection: "documents",
    documentId: "doc1",
    conflictId: "c1",
    round: 1,
    expectedVersion: 2,
    operationsCovered: 1,
    outcome: { kind: "park", reason: "asked", proposed: null, overlaps: [{ path: "/a", chosen: "local" }] },
    inputs: { ...inputs, localTimes: { in: { a: { at: null } } } },
    rises: { seenVersion: null, rose: null, refused: [], ended: null, overlaps: [], twoWay: false },
    isLastRound: false,
  },
  trace: { traceparent: "00-1-2-01" },
};

/** Returns every copy of a value in which one member of an object, at any depth, is left out, by its path. */
function withoutOne(value: unknown): [path: string, less: unknown][] {
  if (typeof value !== "object" || value === null) return [];
  const isList = Array.isArray(value);
  return Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    const { [key]: _, ...rest } = value as Record<string, unknown>;
    const deeper = withoutOne(inner).map(([path, less]): [string, unknown] => [
      `${key}.${path}`,
      isList ? value.with(Number(key), less) : { ...value, [key]: less },
    ]);
    return isList ? deeper : [[key, rest], ...deeper];
  });
}

/** The members that an entry may lack: optional ones, and those of maps and documents. */
const OPTIONAL = {
  batch: [
    "batch.operations.0.patch",
    "batch.operations.0.decision",
    "batch.operations.0.decision.inputs.local.a",
  ],
  resolution: [
    "resolution.inputs.local.a",
    "resolution.inputs.localTimes",
    "resolution.inputs.localTimes.in",
    "resolution.inputs.localTimes.in.a",
    "resolution.inputs.localTimes.in.a.at",
    "trace.traceparent",
  ],
};

describe("an entry of a lane", () => {
  it.each([BATCH, RESOLUTION])("is read as it was written: %#", (entry) => {
    expect(readWire(laneEntrySchema, JSON.stringify(entry))).toEqual(entry);
  });

  it("keeps the fields that a newer version added", () => {
    const newer = { ...BATCH, batch: { ...BATCH.batch, region: "eu" }, sentAt: 1 };
    expect(readWire(laneEntrySchema, JSON.stringify(newer))).toEqual(newer);
  });

  it.each([BATCH, RESOLUTION])(
    "is not read without one of its members, but for optional ones: %#",
    (entry) => {
      const readable = withoutOne(entry).filter(([, less]) =>
        readWire(laneEntrySchema, JSON.stringify(less)),
      );
      expect(readable.map(([path]) => path)).toEqual(OPTIONAL[entry.kind]);
    },
  );

  it.each(["", "{", "null", "[]", '"batch"', "{}", '{"kind":"other","trace":{}}'])(
    "is not read from %s",
    (text) => {
      expect(readWire(laneEntrySchema, text)).toBeUndefined();
    },
  );
});
