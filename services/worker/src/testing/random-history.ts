import type { JsonPatchStep } from "@syncline/shared/document";
import type { ConflictStrategy } from "@syncline/shared/merge";
import type { AcceptedOperation } from "@syncline/shared/protocol";
import fc from "fast-check";
import type { GivenBatch } from "./memory-tables.ts";

/** A device's operation. Its document and versions are determined when the history is played. */
export interface RandomOperation {
  kind: AcceptedOperation["kind"];
  content: Partial<AcceptedOperation>;
  documentId: string;
  /**
   * The document's version at the beginning of a phase, counted back; the version in the device's last result that
   * wrote no change; or none, 0, or one that does not exist yet.
   */
  base: { kind: "none" | "zero" | "ahead" | "told" } | { kind: "phase"; ago: number };
  /** Set if an earlier operation of the device is sent again, or its id is reused for this one. */
  again?: { kind: "resend" | "reuse"; pick: number } | undefined;
}

export type RandomStep =
  | {
      kind: "batch";
      workspace: string;
      device: string;
      operations: RandomOperation[];
      /** The first and last index of a group; an atomic batch is one group as a whole. */
      group?: [number, number] | undefined;
      settings: Pick<GivenBatch, "atomic" | "onConflict" | "epoch">;
      /** The number of earlier entries that were not answered yet when it was accepted. */
      unanswered: number;
      cutAfter: boolean;
    }
  /** A merge of what was open when the phase began, with the document as it was then. */
  | { kind: "resolution"; pick: number; isLastRound: boolean; cutAfter: boolean }
  /** An entry that was appended twice. */
  | { kind: "again"; pick: number; cutAfter: boolean };

/** The device id that stands for a client without one. */
export const UNDECLARED = "subject";

const often = <T>(value: T, arbitrary: fc.Arbitrary<T>, weight = 5): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: fc.constant(value) }, { weight: 1, arbitrary });

const small = fc.constantFrom(0, 1, 2);
const data = fc.oneof(
  fc.record({ a: small, b: small }, { requiredKeys: ["a"] }),
  fc.record({ b: small, list: fc.array(small, { maxLength: 2 }) }),
  fc.record({ deep: fc.record({ a: small, b: small }, { requiredKeys: [] }) }),
);
const mergePatch = fc.oneof(
  data,
  fc.record({ a: fc.constant(null), b: small }),
  fc.record({ deep: fc.oneof(fc.constant(null), fc.record({ a: fc.constant(null), c: small })) }),
);
const step: fc.Arbitrary<JsonPatchStep> = fc.oneof(
  fc.record({ op: fc.constant("add"), path: fc.constantFrom("/a", "/c", "/deep/a"), value: small }),
  fc.record({ op: fc.constant("test"), path: fc.constantFrom("/a", "/b"), value: small }),
  fc.record({ op: fc.constant("remove"), path: fc.constantFrom("/a", "/b") }),
  fc.record({ op: fc.constant("add"), path: fc.constant("/id"), value: fc.constant("another") }),
);

const timestampMs = fc
  .option(small, { nil: undefined })
  .map((ms) => (ms === undefined ? {} : { timestampMs: ms }));

/** An operation's change to its document, and its time. */
export const randomContent = fc
  .tuple(
    fc.oneof(
      fc.record({ kind: fc.constantFrom("create", "put"), content: fc.record({ data }) }),
      fc.record({ kind: fc.constant("update"), content: fc.record({ data: mergePatch }) }),
      fc.record({ kind: fc.constant("update"), content: fc.record({ data: mergePatch, ancestor: data }) }),
      fc.record({
        kind: fc.constant("update"),
        content: fc.record({ patch: fc.array(step, { minLength: 1, maxLength: 2 }) }),
      }),
      fc.record({ kind: fc.constant("delete"), content: fc.constant({}) }),
    ),
    timestampMs,
  )
  .map(([{ kind, content }, time]) => ({ kind, content: { ...content, ...time } }));

const operation: fc.Arbitrary<RandomOperation> = fc
  .record({
    content: randomContent,
    documentId: often("doc-1", fc.constant("doc-2"), 5),
    base: fc.oneof(
      { weight: 3, arbitrary: fc.constant({ kind: "none" as const }) },
      { weight: 5, arbitrary: fc.record({ kind: fc.constant("phase" as const), ago: fc.nat(2) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("zero", "ahead", "told", "told", "told") }) },
    ),
    again: often<RandomOperation["again"]>(
      undefined,
      fc.record({ kind: fc.constantFrom("resend", "resend", "reuse"), pick: fc.nat(20) }),
    ),
  })
  .map(({ content, ...rest }) => ({ ...content, ...rest }));

export const randomStrategy = fc.constantFrom<ConflictStrategy[]>(
  "merge",
  "merge",
  "report",
  "client-wins",
  "server-wins",
  "last-write-wins",
  "manual",
);

const batch: fc.Arbitrary<RandomStep> = fc.record({
  kind: fc.constant("batch"),
  workspace: often("w1", fc.constant("w2")),
  device: fc.oneof(
    { weight: 4, arbitrary: fc.constant("d1") },
    { weight: 4, arbitrary: fc.constant("d2") },
    { weight: 1, arbitrary: fc.constant(UNDECLARED) },
  ),
  operations: fc.array(operation, { minLength: 1, maxLength: 4 }),
  group: often<[number, number] | undefined>(undefined, fc.tuple(fc.nat(4), fc.nat(4)), 3),
  settings: fc.record({
    atomic: often(false, fc.constant(true)),
    onConflict: randomStrategy,
    epoch: often("epoch-1", fc.constant("epoch-0"), 20),
  }),
  unanswered: fc.nat(3),
  cutAfter: fc.boolean(),
});

const resolution: fc.Arbitrary<RandomStep> = fc.record({
  kind: fc.constant("resolution"),
  pick: fc.nat(9),
  isLastRound: fc.boolean(),
  cutAfter: fc.boolean(),
});
const again: fc.Arbitrary<RandomStep> = fc.record({
  kind: fc.constant("again"),
  pick: fc.nat(9),
  cutAfter: fc.boolean(),
});

/** The documents that exist from the start, by device. */
const beginning = fc
  .record(
    { "doc-1": fc.constantFrom("d1", "d2"), "doc-2": fc.constantFrom("d1", "d2") },
    { requiredKeys: [] },
  )
  .map((creators) =>
    Object.entries(creators).map(([documentId, device]): RandomStep => ({
      kind: "batch",
      workspace: "w1",
      device,
      operations: [{ kind: "create", content: { data: { a: 0, b: 0 } }, documentId, base: { kind: "none" } }],
      settings: {},
      unanswered: 0,
      cutAfter: true,
    })),
  );

const phase = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: batch },
    { weight: 4, arbitrary: resolution },
    { weight: 1, arbitrary: again },
  ),
  { minLength: 1, maxLength: 8 },
);

/** A random history: phases, each of which begins when all earlier entries are drained. */
export const randomPhases: fc.Arbitrary<RandomStep[][]> = fc
  .tuple(beginning, fc.array(phase, { minLength: 1, maxLength: 5 }))
  .map(([first, rest]) => [first, ...rest]);
