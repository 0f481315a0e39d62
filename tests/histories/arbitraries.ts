import type { ConflictStrategy, JsonObject, JsonPatchStep, OperationKind } from "@syncline/shared";
import fc from "fast-check";

/** Which version an operation names; what that is in numbers is known once the history has come to it. */
export type Expected = { how: "none" | "current" | "zero" | "ahead" | "again" } | { how: "back"; by: number };

/** Where an operation comes from: it is new, an earlier one of its device, or new under an earlier one's `client_id`. */
export type Origin = { how: "new" } | { how: "again" | "reuse"; pick: number };

export interface OperationDraft {
  kind: OperationKind;
  document: number;
  data: JsonObject;
  patch?: JsonPatchStep[] | undefined;
  expected: Expected;
  timestamp?: number | undefined;
  /** Neighbours with the same number above 0 are a group. */
  group: number;
  origin: Origin;
}

export interface BatchDraft {
  workspace: number;
  device: number;
  atomic: boolean;
  onConflict?: ConflictStrategy | undefined;
  otherEpoch: boolean;
  operations: OperationDraft[];
  /** Not a new batch but an earlier one of the device once more. */
  resend?: number | undefined;
}

/** A history: what devices send, in numbers that only mean something while it is played. */
export type History = BatchDraft[];

/** The device that stands for none: its batches declare no `device_id`. */
export const UNDECLARED = 3;

/** Once in `weight` + 1 times. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>, weight: number): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const value = fc.integer({ min: 0, max: 3 });
const items = fc.array(value, { maxLength: 3 });
const nested = fc.record({ x: value, y: value }, { requiredKeys: [] });
const document = fc.record({ a: value, b: value, c: value, n: nested, items }, { requiredKeys: [] });
const mergePatch = fc.record(
  {
    a: fc.option(value),
    b: fc.option(value),
    c: value,
    n: fc.option(fc.record({ x: fc.option(value), y: value }, { requiredKeys: [] }), { freq: 8 }),
    items,
  },
  { requiredKeys: [] },
);
const path = fc.constantFrom("/a", "/b", "/n/x", "/items/0");
const patchStep: fc.Arbitrary<JsonPatchStep> = fc.oneof(
  fc.record({ op: fc.constant("add" as const), path: fc.constantFrom("/a", "/b", "/c", "/items"), value }),
  fc.record({ op: fc.constant("replace" as const), path, value }),
  fc.record({ op: fc.constant("remove" as const), path }),
  fc.record({ op: fc.constant("test" as const), path: fc.constant("/a"), value }),
);

const expected: fc.Arbitrary<Expected> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom({ how: "none" as const }, { how: "current" as const }) },
  {
    weight: 4,
    arbitrary: fc.record({ how: fc.constant("back" as const), by: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 3, arbitrary: fc.constant({ how: "again" as const }) },
  { weight: 1, arbitrary: fc.constantFrom({ how: "zero" as const }, { how: "ahead" as const }) },
);

const origin: fc.Arbitrary<Origin> = fc.oneof(
  { weight: 14, arbitrary: fc.constant({ how: "new" as const }) },
  { weight: 2, arbitrary: fc.record({ how: fc.constant("again" as const), pick: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ how: fc.constant("reuse" as const), pick: fc.nat(20) }) },
);

const operation: fc.Arbitrary<OperationDraft> = fc
  .constantFrom<OperationKind>(
    "create",
    "create",
    "put",
    "put",
    "update",
    "update",
    "update",
    "update",
    "delete",
  )
  .chain((kind) =>
    fc.record({
      kind: fc.constant(kind),
      document: fc.constantFrom(0, 0, 0, 1, 1, 2),
      data: kind === "update" ? mergePatch : document,
      patch:
        kind === "update"
          ? rarely(fc.array(patchStep, { minLength: 1, maxLength: 3 }), 2)
          : fc.constant(undefined),
      expected,
      timestamp: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined, freq: 3 }),
      group: fc.constantFrom(0, 0, 0, 0, 0, 1, 2),
      origin,
    }),
  );

const batch: fc.Arbitrary<BatchDraft> = fc.record({
  workspace: fc.constantFrom(0, 0, 0, 1),
  device: fc.constantFrom(0, 0, 1, 1, 2, UNDECLARED),
  atomic: fc.constantFrom(false, false, false, false, false, true),
  onConflict: fc.constantFrom<ConflictStrategy | undefined>(
    undefined,
    "merge",
    "merge",
    "report",
    "client-wins",
    "server-wins",
    "last-write-wins",
    "manual",
  ),
  otherEpoch: fc.constantFrom(false, false, false, false, false, false, false, true),
  operations: fc.array(operation, { minLength: 1, maxLength: 7 }),
  resend: rarely(fc.nat(5), 7),
});

/** Histories of up to three devices and one that declares none, in up to two workspaces, on a handful of documents. */
export const history: fc.Arbitrary<History> = fc.array(batch, { minLength: 4, maxLength: 14, size: "max" });

/** An edit of a field of its own, so that no other edit ever overlaps with it. */
export interface OwnEdit {
  device: number;
  document: number;
  expected: Expected;
}

/** Batches of edits, of which none may be lost, whoever sends them and whatever version they name. */
export const ownEdits: fc.Arbitrary<OwnEdit[][]> = fc.array(
  fc.nat(2).chain((device) =>
    fc.array(fc.record({ device: fc.constant(device), document: fc.nat(1), expected }), {
      minLength: 1,
      maxLength: 4,
      size: "max",
    }),
  ),
  { minLength: 6, maxLength: 15, size: "max" },
);
