import type { JsonObject, JsonPatchStep } from "@syncline/shared/document";
import { CONFLICT_STRATEGIES, type ConflictStrategy } from "@syncline/shared/merge";
import {
  DECISION_CHOICES,
  PRIORITIES,
  type DecisionChoice,
  type OperationKind,
  type Priority,
} from "@syncline/shared/protocol";
import fc from "fast-check";

/** The version that an operation names; its number is known once the history is played. */
export type Expected = { how: "none" | "current" | "zero" | "ahead" | "again" } | { how: "back"; by: number };

/** An operation's origin: it is new, an earlier one of its device, or a new one with an earlier one's `client_id`. */
export type Origin = { how: "new" } | { how: "again" | "reuse"; pick: number };

/** The source of a `create`'s document id. */
export type MadeId = "document_id" | "data" | "server";

/** A special `client_id`: Postgres refuses the operation, or its id is older than the ledger. */
export type Special = "refused" | "expired";

export interface OperationDraft {
  kind: OperationKind;
  document: number;
  collection: number;
  /** Uses the document that its device has named last, whatever `document` and `collection` say. */
  stays: boolean;
  data: JsonObject;
  /** True if `data` repeats the id. */
  idInData: boolean;
  madeId: MadeId;
  patch?: JsonPatchStep[] | undefined;
  ancestor?: JsonObject | undefined;
  expected: Expected;
  timestamp?: number | undefined;
  priority?: Priority | undefined;
  /** Operations with the same number above 0 form a group, at any positions in the batch. */
  group: number;
  onConflict?: ConflictStrategy | undefined;
  origin: Origin;
  special?: Special | undefined;
}

/** A person's decision on one of the conflicts reported to any device by then. */
export interface DecisionDraft {
  pick: number;
  /** One of those, if there are any. */
  of: "any" | "parked" | "reported";
  choice: DecisionChoice;
  data: JsonObject | null;
  /** The document's version that the person has looked at. */
  expected: "none" | "current" | "back";
}

export interface Step {
  workspace: number;
  device: number;
  /** The answers to wait for before sending: none, this device's, or all. */
  after: "nothing" | "own" | "all";
  /** `Prefer: respond-async`; the answer is then polled. */
  async: boolean;
  /** The device sends it twice at once. */
  twice: boolean;
  /** The number of changes that a reader of the feed reads next. */
  read: number;
  atomic: boolean;
  onConflict?: ConflictStrategy | undefined;
  otherEpoch: boolean;
  /** First sent with a fault for which the whole batch is refused. */
  faulty: boolean;
  operations: OperationDraft[];
  /** The crash point that is armed from then on. */
  fault?: string | undefined;
  /** Resends an earlier batch of the device instead of a new one. */
  resend?: number | undefined;
  /** A person's decision instead of a batch; two at once if it is sent twice. */
  decision?: DecisionDraft | undefined;
}

/** A history: the devices' batches, in numbers that get their meaning when it is played. */
export type History = Step[];

/** The device that stands for none: its batches declare no `device_id`. */
export const UNDECLARED = 3;
/** The number that stands for the document whose id the server has made last. */
export const NAMED_BY_SERVER = 3;
/** A clock that runs years ahead. */
const FUTURE_MS = 4_000_000_000_000;

/** Once in `weight` + 1 times. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>, weight: number): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const oneIn = (times: number): fc.Arbitrary<boolean> => fc.nat(times - 1).map((n) => n === times - 1);

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
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant("add" as const),
      path: fc.constantFrom("/a", "/b", "/c", "/items"),
      value,
    }),
  },
  { weight: 8, arbitrary: fc.record({ op: fc.constant("replace" as const), path, value }) },
  { weight: 8, arbitrary: fc.record({ op: fc.constant("remove" as const), path }) },
  {
    weight: 8,
    arbitrary: fc.record({ op: fc.constant("test" as const), path: fc.constant("/a"), value }),
  },
  { weight: 3, arbitrary: fc.constant({ op: "add" as const, path: "/id", value: "of another" }) },
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

const kind = fc.constantFrom<OperationKind>(
  ...(["create", "create", "put", "put", "update", "update", "update", "update", "delete"] as const),
);

const operation: fc.Arbitrary<OperationDraft> = kind.chain((kind) =>
  fc.record({
    kind: fc.constant(kind),
    document: fc.constantFrom(0, 0, 0, 0, 1, 1, 2, NAMED_BY_SERVER),
    collection: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3),
    stays: fc.boolean(),
    data: kind === "update" ? mergePatch : document,
    idInData: oneIn(8),
    madeId: fc.constantFrom<MadeId>("document_id", "document_id", "document_id", "data", "server"),
    patch:
      kind === "update"
        ? rarely(fc.array(patchStep, { minLength: 1, maxLength: 3 }), 2)
        : fc.constant(undefined),
    ancestor: rarely(document, 4),
    expected,
    timestamp: rarely(
      fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 5 }) }, fc.constant(FUTURE_MS)),
      1,
    ),
    priority: rarely(fc.constantFrom(...PRIORITIES), 2),
    group: fc.constantFrom(0, 0, 0, 0, 0, 1, 2),
    onConflict: rarely(fc.constantFrom(...CONFLICT_STRATEGIES), 5),
    origin,
    special: rarely(fc.constantFrom<Special>("refused", "refused", "expired"), 40),
  }),
);

const decision: fc.Arbitrary<DecisionDraft> = fc.record({
  pick: fc.nat(20),
  of: fc.constantFrom("any", "parked", "parked", "reported"),
  choice: fc.constantFrom(...DECISION_CHOICES),
  data: fc.option(document),
  expected: fc.constantFrom("none", "none", "current", "back"),
});

const step: fc.Arbitrary<Step> = fc.record({
  workspace: fc.constantFrom(0, 0, 0, 0, 0, 1),
  device: fc.constantFrom(0, 0, 0, 0, 1, 1, 2, UNDECLARED),
  after: fc.constantFrom<Step["after"]>("nothing", "nothing", "nothing", "own", "own", "all"),
  async: oneIn(8),
  twice: oneIn(12),
  read: fc.constantFrom(0, 0, 0, 1, 5),
  atomic: oneIn(7),
  onConflict: rarely(fc.constantFrom(...CONFLICT_STRATEGIES), 1).chain((strategy) =>
    strategy === undefined ? fc.constantFrom(undefined, "merge" as const) : fc.constant(strategy),
  ),
  otherEpoch: oneIn(9),
  faulty: oneIn(25),
  operations: fc.oneof(
    fc.array(operation, { minLength: 1, maxLength: 6 }),
    fc.array(operation, { minLength: 1, maxLength: 2 }),
  ),
  resend: rarely(fc.nat(5), 7),
  decision: rarely(decision, 8),
});

/** A device whose user types: it keeps editing one document without waiting. */
const burst: fc.Arbitrary<Step[]> = fc
  .tuple(step, fc.array(step, { minLength: 2, maxLength: 5, size: "max" }))
  .map(([first, others]) => [
    first,
    ...others.map(({ operations: [operation], ...one }) => ({
      ...one,
      workspace: first.workspace,
      device: first.device,
      after: "nothing" as const,
      atomic: false,
      operations: operation === undefined ? [] : [{ ...operation, stays: true, group: 0 }],
    })),
  ]);

const steps: fc.Arbitrary<Step[]> = fc
  .array(fc.oneof({ weight: 12, arbitrary: step.map((one) => [one]) }, { weight: 1, arbitrary: burst }), {
    minLength: 3,
    maxLength: 15,
    size: "max",
  })
  .map((parts) => parts.flat());

/** Most histories begin by creating some documents, so that not every edit targets a missing one. */
const founding: fc.Arbitrary<Step> = fc.record({
  workspace: fc.constantFrom(0, 0, 1),
  device: fc.constantFrom(0, UNDECLARED),
  after: fc.constant("nothing" as const),
  async: fc.constant(false),
  twice: fc.constant(false),
  read: fc.constant(0),
  atomic: fc.boolean(),
  otherEpoch: fc.constant(false),
  faulty: fc.constant(false),
  operations: fc.array(document, { minLength: 5, maxLength: 5 }).map((documents) =>
    documents.map((data, index) => ({
      kind: "put" as const,
      document: index % 2,
      collection: index > 1 ? index - 1 : 0,
      stays: false,
      data,
      idInData: false,
      madeId: "document_id" as const,
      expected: { how: "none" as const },
      group: 0,
      origin: { how: "new" as const },
    })),
  ),
});

/** At the end people decide some of the remaining conflicts: before that most documents still change. */
const closing: fc.Arbitrary<Step[]> = fc
  .array(fc.tuple(step, decision), { maxLength: 4 })
  .map((parts) =>
    parts.map(([one, decision]) => ({ ...one, after: "all", decision: { ...decision, expected: "none" } })),
  );

const founded = (steps: fc.Arbitrary<Step[]>): fc.Arbitrary<History> =>
  fc
    .tuple(rarely(founding, 1), steps, closing)
    .map(([first, [second, ...others], last]) =>
      first === undefined || second === undefined
        ? [second, ...others, ...last].filter((one) => one !== undefined)
        : [first, { ...second, after: "all" as const }, ...others, ...last],
    );

/** Histories of up to three devices and one that declares none, in up to two workspaces, on a handful of documents. */
export const history: fc.Arbitrary<History> = fc
  .tuple(founded(steps), oneIn(5))
  // One in five is played sequentially.
  .map(([all, isSequential]) =>
    isSequential ? all.map((one) => ({ ...one, after: "all" as const, twice: false })) : all,
  )
  .map(asWritten);

/** Adds occasional faults at one of these crash points. */
export function disturbedHistory(points: readonly string[]): fc.Arbitrary<History> {
  const faults = fc.array(fc.tuple(fc.nat(20), fc.constantFrom(...points)), { maxLength: 3, size: "max" });
  return fc
    .tuple(founded(steps), faults)
    .map(([all, faults]) =>
      all.map((one, index) => ({ ...one, fault: faults.find(([at]) => at % all.length === index)?.[1] })),
    )
    .map(asWritten);
}

/** Normalizes a history like one read from a file. */
function asWritten(all: History): History {
  return JSON.parse(JSON.stringify(all)) as History;
}
