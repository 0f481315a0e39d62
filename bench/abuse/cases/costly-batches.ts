import { createBystanders, figuresOf } from "../bystanders.ts";
import type { AbuseCase, Figure } from "../case.ts";

const OPERATIONS = 100;

/** A legal batch that is small compared with its cost on the server. */
interface CostlyBatch {
  readonly name: string;
  /** Existing documents, by id. */
  readonly documents: Readonly<Record<string, object>>;
  readonly operations: readonly object[];
  /** Additional fields of the batch. */
  readonly batch?: object;
}

const range = (length: number) => Array.from({ length }, (_, n) => n);
const keyed = (count: number, value: (n: number) => unknown) =>
  Object.fromEntries(range(count).map((n) => [`k${n}`, value(n)]));
const update = (patch: readonly object[], documentId = "victim") => ({
  operation: "update",
  document_id: documentId,
  patch,
});
const times = (operation: (n: number) => object) => range(OPERATIONS).map(operation);

const nested = { a: keyed(10_999, () => ({ v: 1 })) };
const wide = keyed(24_990, () => 1);
const long = { a: range(49_990) };
const heavy = keyed(16_000, () => "x".repeat(48));

const BATCHES: readonly CostlyBatch[] = [
  {
    name: "patches that copy a document into itself",
    documents: { victim: nested },
    operations: times(() => update(range(59).map(() => ({ op: "copy", from: "/a", path: "/b" })))),
  },
  {
    name: "patches that copy, and then change the copy",
    documents: { victim: nested },
    operations: times(() =>
      update(
        range(500).flatMap((n) => [
          { op: "copy", from: "/a", path: "/b" },
          { op: "add", path: `/b/k${n}/v`, value: n },
        ]),
      ),
    ),
  },
  {
    name: "patches that move a document's content to and fro",
    documents: { victim: nested },
    operations: times(() =>
      update(
        range(500).flatMap(() => [
          { op: "move", from: "/a", path: "/b" },
          { op: "move", from: "/b", path: "/a" },
        ]),
      ),
    ),
  },
  {
    name: "patches that end too large",
    documents: { victim: nested },
    operations: times(() => update(range(50).map((n) => ({ op: "copy", from: "", path: `/copy${n}` })))),
  },
  {
    name: "patches that test a large object",
    documents: { victim: { a: wide } },
    operations: times(() => update(range(1_000).map(() => ({ op: "test", path: "/a", value: {} })))),
  },
  {
    name: "patches that insert at the head of a long array",
    documents: { victim: long },
    operations: times(() =>
      update(
        range(500).flatMap(() => [
          { op: "add", path: "/a/0", value: 1 },
          { op: "remove", path: "/a/0" },
        ]),
      ),
    ),
  },
  {
    name: "merge patches of one wide document",
    documents: { victim: wide },
    operations: times((n) => ({ operation: "update", document_id: "victim", data: { k0: n } })),
  },
  {
    name: "merge patches of one wide document, without a device",
    documents: { victim: wide },
    operations: times((n) => ({ operation: "update", document_id: "victim", data: { k0: n } })),
    batch: { device_id: undefined },
  },
  {
    name: "merge patches of 100 wide documents",
    documents: Object.fromEntries(range(OPERATIONS).map((n) => [`d${n}`, wide])),
    operations: times((n) => ({ operation: "update", document_id: `d${n}`, data: { k0: n } })),
  },
  {
    name: "merge patches of 100 documents of a megabyte",
    documents: Object.fromEntries(range(OPERATIONS).map((n) => [`d${n}`, heavy])),
    operations: times((n) => ({ operation: "update", document_id: `d${n}`, data: { k0: "y" } })),
  },
  {
    name: "a group that merges 100 wide documents",
    documents: Object.fromEntries(range(OPERATIONS).map((n) => [`d${n}`, wide])),
    operations: times((n) => ({
      operation: "update",
      document_id: `d${n}`,
      data: { k0: n },
      expected_version: 1,
    })),
    batch: { device_id: "late", atomic: true, on_conflict: "merge" },
  },
];

const BATCHES_SENT = 3;

/** Measures the CPU that one batch costs the workers, and the latencies of others while several are sent. */
export const COSTLY_BATCHES: readonly AbuseCase[] = BATCHES.map(
  ({ name, documents, operations, batch = {} }) => ({
    name,
    async run(system): Promise<Figure[]> {
      const attacker = await system.createClient();
      for (const [documentId, data] of Object.entries(documents)) {
        await attacker.send([{ operation: "put", document_id: documentId, data }]);
        // Makes version 1 outdated.
        await attacker.send([{ operation: "update", document_id: documentId, data: { k1: 2 } }]);
      }
      const bystanders = await createBystanders(system, attacker.workspaceId);
      const outcomes = new Map<string, number>();
      let cpu: Record<string, number> = {};
      const notice = await bystanders.during(async () => {
        cpu = await system.cpuDuring(async () => {
          for (let sent = 0; sent < BATCHES_SENT; sent++) {
            const { results } = await attacker.send(operations, batch);
            for (const { status, error_type: type } of results) {
              const outcome = type === undefined ? status : `${status} ${type}`;
              outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
            }
          }
        });
      });
      const perBatch = (service: string) => (cpu[service] ?? NaN) / BATCHES_SENT;
      return [
        { what: "CPU of the worker, a batch", value: perBatch("worker"), unit: "s", bar: { atMost: 2 } },
        { what: "CPU of Postgres, a batch", value: perBatch("postgres"), unit: "s" },
        { what: "CPU of ingest, a batch", value: perBatch("ingest"), unit: "s" },
        ...figuresOf(notice),
        ...[...outcomes].map(([what, value]) => ({
          what: `answered ${what}`,
          value,
          unit: `of ${BATCHES_SENT * operations.length} operations`,
        })),
      ];
    },
  }),
);
