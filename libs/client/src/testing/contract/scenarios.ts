import type { ConflictStrategy } from "@syncline/shared/merge";
import type { Session } from "./session.ts";

/** A list of requests, whose answers two servers must give alike. */
export interface Scenario {
  name: string;
  run: (session: Session) => Promise<void>;
}

const STRATEGIES = [
  "merge",
  "report",
  "client-wins",
  "server-wins",
  "last-write-wins",
  "manual",
] as const satisfies ConflictStrategy[];

let ids = 0;
/** A client id that is unique within its scenario, and the same in each run. */
const id = (name: string) => `${name}-${++ids}`;

/** Two devices that collide: the other one has changed the document since `d1` saw version 1. */
const COLLISIONS: Record<string, { theirs: object; ours: object }> = {
  "other fields": {
    theirs: { operation: "update", data: { a: 2 } },
    ours: { operation: "update", data: { b: 2 }, expected_version: 1 },
  },
  "the same field": {
    theirs: { operation: "update", data: { a: 2 }, timestamp: 2_000 },
    ours: { operation: "update", data: { a: 3 }, expected_version: 1, timestamp: 1_000 },
  },
  "an edit of a deleted document": {
    theirs: { operation: "delete" },
    ours: { operation: "update", data: { a: 3 }, expected_version: 1 },
  },
  "a delete of an edited document": {
    theirs: { operation: "update", data: { a: 2 } },
    ours: { operation: "delete", expected_version: 1 },
  },
  "a put over an edit": {
    theirs: { operation: "update", data: { a: 2 } },
    ours: { operation: "put", data: { a: 1, b: 9 }, expected_version: 1 },
  },
  "a JSON Patch over an edit of a list": {
    theirs: { operation: "update", data: { list: ["m", "n", "theirs"] } },
    ours: {
      operation: "update",
      patch: [{ op: "add", path: "/list/0", value: "ours" }],
      expected_version: 1,
    },
  },
  "a second create": {
    theirs: { operation: "update", data: { a: 2 } },
    ours: { operation: "create", data: { a: 7, c: 1 } },
  },
};

const collisions: Scenario[] = STRATEGIES.flatMap((strategy) =>
  Object.entries(COLLISIONS).map(([kind, { theirs, ours }]): Scenario => ({
    name: `${strategy}: ${kind}`,
    async run(session) {
      await session.send(
        { operation: "create", client_id: "base", data: { a: 1, b: 1, list: ["m", "n"] } },
        { device_id: "d0" },
      );
      await session.send({ ...theirs, client_id: "theirs" } as never, { device_id: "d2" });
      const result = await session.send({ ...ours, client_id: "ours" } as never, { on_conflict: strategy });
      await session.changes();
      const conflictId = result?.conflict_id ?? result?.conflict_data?.conflict_id;
      if (conflictId !== undefined) {
        await session.conflict(conflictId);
        await session.preview(conflictId);
      }
      // A resend, alone and in another batch, has the recorded answer.
      await session.send({ ...ours, client_id: "ours" } as never, { on_conflict: strategy });
      await session.operation("ours", "d1");
    },
  })),
);

const outcomes: Scenario[] = [
  {
    name: "each operation, once",
    async run(session) {
      await session.post({
        operations: [
          { operation: "create", client_id: "1", data: { id: "own", n: 1 } },
          { operation: "create", client_id: "2", document_id: "x", data: { n: 1 } },
          { operation: "put", client_id: "3", document_id: "y", data: { n: 1 } },
          { operation: "update", client_id: "4", document_id: "x", data: { n: 2, gone: null } },
          {
            operation: "update",
            client_id: "5",
            document_id: "y",
            patch: [{ op: "replace", path: "/n", value: 5 }],
          },
          { operation: "delete", client_id: "6", document_id: "own" },
        ],
      });
      for (const name of ["x", "y", "own", "never"]) await session.document(name);
      await session.changes();
      await session.snapshot();
      await session.operation("4", "d1");
      await session.operation("nothing", "d1");
      await session.operation("4");
    },
  },
  {
    name: "the errors of an operation",
    async run(session) {
      await session.send({ operation: "create", client_id: "base", data: { n: 1, list: [] } });
      await session.post({
        operations: [
          { operation: "update", client_id: "missing", document_id: "never", data: { n: 1 } },
          {
            operation: "update",
            client_id: "patch",
            document_id: "x",
            patch: [{ op: "remove", path: "/no" }],
          },
          {
            operation: "update",
            client_id: "test",
            document_id: "x",
            patch: [{ op: "test", path: "/n", value: 9 }],
          },
          {
            operation: "update",
            client_id: "id",
            document_id: "x",
            patch: [{ op: "add", path: "/id", value: "other" }],
          },
          { operation: "create", client_id: "good", document_id: "y", data: { n: 1 } },
          { operation: "delete", client_id: "absent", document_id: "never-2" },
          { operation: "put", client_id: "must-be-absent", document_id: "z", data: {}, expected_version: 0 },
          { operation: "put", client_id: "must-exist", document_id: "q", data: {}, expected_version: 3 },
          { operation: "update", client_id: "ahead", document_id: "x", data: { n: 7 }, expected_version: 9 },
          {
            operation: "update",
            client_id: "large",
            document_id: "x",
            data: { text: "a".repeat(1024 * 1024) },
          },
        ],
      });
      await session.changes();
      await session.send({ operation: "update", client_id: "missing", document_id: "never", data: { n: 1 } });
      await session.send({ operation: "update", client_id: "missing", document_id: "never", data: { n: 2 } });
      await session.operation("missing", "d1");
    },
  },
  {
    name: "resends",
    async run(session) {
      const create = { operation: "create", client_id: "1", document_id: "x", data: { n: 1 } };
      const update = {
        operation: "update",
        client_id: "2",
        document_id: "x",
        data: { n: 2 },
        expected_version: 1,
      };
      await session.post({ operations: [create] });
      await session.post({ operations: [create] });
      await session.post({ operations: [create, update] });
      await session.post({ operations: [update, create] });
      await session.post({ operations: [{ ...update, timestamp: 5, priority: "high", ancestor: { n: 1 } }] });
      await session.post({ operations: [{ ...update, expected_version: 2 }] });
      await session.post({ operations: [{ ...create, data: { n: 9 } }] });
      await session.post({ device_id: "d2", operations: [create] });
      await session.changes();
    },
  },
  {
    name: "a device's own run on one version",
    async run(session) {
      await session.send({ operation: "create", client_id: "0", data: { n: 0 } });
      await session.send({ operation: "update", client_id: "1", data: { n: 1 }, expected_version: 1 });
      await session.send({ operation: "update", client_id: "2", data: { m: 1 }, expected_version: 1 });
      await session.post({
        operations: ["3", "4", "5"].map((client_id, n) => ({
          operation: "update",
          client_id,
          document_id: "x",
          data: { n },
          expected_version: 1,
        })),
      });
      await session.changes();
      await session.send(
        { operation: "update", client_id: "6", data: { n: 6 }, expected_version: 1 },
        { device_id: "d2", on_conflict: "report" },
      );
    },
  },
  {
    name: "a document that is deleted and created again",
    async run(session) {
      await session.send({ operation: "create", client_id: "1", data: { n: 1 } });
      await session.send({ operation: "delete", client_id: "2", expected_version: 1 });
      await session.send({ operation: "delete", client_id: "3" });
      await session.send({ operation: "create", client_id: "4", data: { n: 2 } });
      await session.send({ operation: "update", client_id: "5", data: { n: 3 } });
      await session.changes();
      await session.snapshot();
    },
  },
  {
    name: "an id that the server makes",
    async run(session) {
      const create = { operation: "create", client_id: "1", data: { n: 1 } };
      await session.post({ operations: [create] });
      await session.post({ operations: [create] });
      await session.changes();
    },
  },
];

const group = (name: string, members: object[], batch: object = {}): object => ({
  ...batch,
  operations: members.map((member, at) => ({
    document_id: "x",
    group: name,
    client_id: `${name}-${at}`,
    ...member,
  })),
});

const groups: Scenario[] = [
  {
    name: "a group over two documents",
    async run(session) {
      await session.post(
        group("g", [
          { operation: "create", document_id: "x", data: { n: 1 } },
          { operation: "create", document_id: "y", data: { n: 1 } },
        ]) as never,
      );
      await session.changes({ limit: 1 });
      await session.snapshot();
    },
  },
  {
    name: "a group that fails whole, and its resend",
    async run(session) {
      await session.send({ operation: "create", client_id: "base", data: { n: 1 } }, { device_id: "d2" });
      const failing = group("g", [
        { operation: "create", document_id: "y", data: { n: 1 } },
        { operation: "create", document_id: "x", data: { n: 2 } },
        { operation: "update", document_id: "x", data: { n: 3 } },
      ]);
      await session.post(failing as never);
      await session.post(failing as never);
      await session.document("y");
      await session.changes();
      await session.operation("g-0", "d1");
    },
  },
  {
    name: "an operation that was skipped, and comes again alone, in another group, and with its own",
    async run(session) {
      const [sibling, failing] = [
        { operation: "create", document_id: "y", data: { n: 1 } },
        { operation: "update", document_id: "never", data: { n: 1 } },
      ];
      await session.post(group("g", [sibling, failing]) as never);
      await session.operation("g-0", "d1");
      await session.post({ operations: [{ ...sibling, client_id: "g-0" }] });
      await session.post({ operations: [{ ...sibling, client_id: "g-0", group: "other" }] });
      const repaired = { ...failing, operation: "put", client_id: "repaired" };
      await session.post(group("g", [sibling, repaired]) as never);
      await session.post({ operations: [{ ...sibling, client_id: "g-0" }] });
      await session.changes();
    },
  },
  ...STRATEGIES.map((strategy): Scenario => ({
    name: `a group with a mismatch, ${strategy}`,
    async run(session) {
      await session.send(
        { operation: "create", client_id: "base", data: { a: 1, b: 1 } },
        { device_id: "d0" },
      );
      await session.send({ operation: "update", client_id: "theirs", data: { a: 2 } }, { device_id: "d2" });
      await session.post(
        group(
          "g",
          [
            { operation: "update", document_id: "x", data: { b: 2 }, expected_version: 1 },
            { operation: "create", document_id: "y", data: { n: 1 } },
          ],
          { on_conflict: strategy },
        ) as never,
      );
      await session.changes();
    },
  })),
  {
    name: "a group with a mismatch by default",
    async run(session) {
      await session.send({ operation: "create", client_id: "base", data: { a: 1 } }, { device_id: "d0" });
      await session.send({ operation: "update", client_id: "theirs", data: { a: 2 } }, { device_id: "d2" });
      await session.post(
        group("g", [
          { operation: "update", document_id: "x", data: { b: 2 }, expected_version: 1 },
          { operation: "create", document_id: "y", data: { n: 1 } },
        ]) as never,
      );
      await session.document("y");
    },
  },
  {
    name: "an atomic batch",
    async run(session) {
      const operations = [
        { operation: "create", client_id: "1", document_id: "x", data: { n: 1 } },
        { operation: "update", client_id: "2", document_id: "never", data: { n: 1 } },
      ];
      await session.post({ atomic: true, operations });
      await session.changes();
      await session.post({ atomic: true, operations: [operations[0] as object] });
      await session.post({ operations });
    },
  },
  {
    name: "deletes move to the end of their batch",
    async run(session) {
      await session.send({ operation: "create", client_id: "base", data: { n: 1 } });
      await session.post({
        operations: [
          { operation: "delete", client_id: "1", document_id: "x" },
          { operation: "create", client_id: "2", document_id: "y", data: { n: 1 } },
        ],
      });
      await session.changes();
    },
  },
];

/** Parks a conflict of `d1` on `x`, and returns its id. */
async function park(session: Session): Promise<string> {
  await session.send({ operation: "create", client_id: "base", data: { a: 1, b: 1 } }, { device_id: "d0" });
  await session.send({ operation: "update", client_id: "theirs", data: { a: 2 } }, { device_id: "d2" });
  const result = await session.send(
    { operation: "update", client_id: "ours", data: { a: 3 }, expected_version: 1 },
    { on_conflict: "manual" },
  );
  return result?.conflict_data?.conflict_id ?? "none";
}

const people: Scenario[] = [
  ...(["server", "local", "merged", "data"] as const).map((choice): Scenario => ({
    name: `a person decides: ${choice}`,
    async run(session) {
      const conflictId = await park(session);
      await session.conflicts({ status: "parked" });
      await session.preview(conflictId);
      const decision = {
        choice,
        client_id: "decision",
        ...(choice === "data" && { data: { a: 9 } }),
        expected_version: 2,
      };
      await session.resolve(conflictId, decision);
      await session.resolve(conflictId, decision);
      await session.conflict(conflictId);
      await session.send(
        { operation: "update", client_id: "ours", data: { a: 3 }, expected_version: 1 },
        { on_conflict: "manual" },
      );
      await session.document();
      await session.changes();
      await session.conflicts();
      await session.operation("ours", "d1");
    },
  })),
  {
    name: "edits behind a parked conflict join it",
    async run(session) {
      const conflictId = await park(session);
      await session.send({ operation: "update", client_id: "behind", data: { c: 1 }, expected_version: 1 });
      await session.send(
        { operation: "update", client_id: "other-device", data: { d: 1 } },
        { device_id: "d2" },
      );
      await session.conflict(conflictId);
      await session.resolve(conflictId, { choice: "merged", client_id: "decision" });
      await session.send({ operation: "update", client_id: "behind", data: { c: 1 }, expected_version: 1 });
      await session.document();
    },
  },
  {
    name: "a decision on an old version",
    async run(session) {
      const conflictId = await park(session);
      await session.send({ operation: "update", client_id: "later", data: { b: 7 } }, { device_id: "d2" });
      await session.resolve(conflictId, { choice: "local", client_id: "decision", expected_version: 2 });
      await session.resolve(conflictId, { choice: "local", client_id: "decision-2", expected_version: 3 });
      await session.document();
    },
  },
  {
    name: "a decision of someone else",
    async run(session) {
      const conflictId = await park(session);
      await session.as({ subject: "bob", role: "writer" }, () =>
        session.resolve(conflictId, { choice: "server" }),
      );
      await session.as({ subject: "bob", role: "reader" }, () =>
        session.resolve(conflictId, { choice: "server" }),
      );
      await session.as({ subject: "bob", role: "admin" }, () =>
        session.resolve(conflictId, { choice: "server", client_id: "decision" }),
      );
    },
  },
  {
    name: "a decision that is malformed, or on nothing",
    async run(session) {
      const conflictId = await park(session);
      await session.resolve(conflictId, { choice: "data" });
      await session.resolve(conflictId, { choice: "server", data: {} });
      await session.resolve(conflictId, { choice: "data", data: { id: "other" } });
      await session.resolve("nothing", { choice: "server" });
      await session.resolve("00000000-0000-4000-8000-000000000000", { choice: "server" });
      await session.conflict("00000000-0000-4000-8000-000000000000");
      await session.preview("nothing");
    },
  },
  {
    name: "an edit behind a reported conflict",
    async run(session) {
      await session.send({ operation: "create", client_id: "base", data: { a: 1 } }, { device_id: "d0" });
      await session.send({ operation: "update", client_id: "theirs", data: { a: 2 } }, { device_id: "d2" });
      await session.send(
        { operation: "update", client_id: "1", data: { a: 3 }, expected_version: 1 },
        { on_conflict: "report" },
      );
      await session.send(
        { operation: "update", client_id: "2", data: { b: 3 }, expected_version: 1 },
        { on_conflict: "report" },
      );
      await session.send(
        { operation: "update", client_id: "3", data: { b: 4 }, expected_version: 2 },
        { on_conflict: "report" },
      );
      await session.conflicts({ status: "reported" });
      await session.changes();
    },
  },
];

const feeds: Scenario[] = [
  {
    name: "pages of the feed",
    async run(session) {
      await session.post({
        operations: Array.from({ length: 5 }, (_, n) => ({
          operation: "create",
          client_id: `${n}`,
          document_id: `x${n}`,
          collection: n % 2 ? "odd" : "even",
          data: { n },
        })),
      });
      await session.changes({ limit: 2 });
      await session.changes({ since: 2, limit: 2 });
      await session.changes({ since: 4, limit: 2 });
      await session.changes({ since: 5 });
      await session.changes({ since: 5, waitSeconds: 1 });
      await session.changes({ since: 6 });
      await session.changes({ collections: ["odd"] });
      await session.changes({ collections: ["odd"], limit: 1 });
      await session.changes({ epoch: "another" });
      await session.changes({ limit: 0 });
      await session.raw("GET", "/api/v1/workspaces/:workspace/changes?sinec=1");
      await session.raw("GET", "/api/v1/workspaces/:workspace/changes?since=1&since=1");
    },
  },
  {
    name: "the feed of an empty workspace",
    async run(session) {
      await session.changes();
      await session.changes({ since: 1 });
      await session.snapshot();
      await session.conflicts();
    },
  },
  {
    name: "pages of a snapshot",
    async run(session) {
      await session.post({
        operations: ["b", "a", "d", "c"].map((name) => ({
          operation: "create",
          client_id: name,
          document_id: name,
          data: { name },
        })),
      });
      await session.send({ operation: "delete", client_id: "delete", document_id: "c" });
      const first = await session.snapshot({ limit: 2 });
      if (first.kind !== "ok" || first.body.next === null) return;
      await session.send({
        operation: "update",
        client_id: "later",
        document_id: "d",
        data: { later: true },
      });
      await session.snapshot({ limit: 2, after: first.body.next });
      await session.snapshot({ after: "not-a-cursor" });
      await session.snapshot({ limit: 0 });
    },
  },
  {
    name: "an event stream that is resumed",
    async run(session) {
      await session.post({
        operations: ["1", "2"].map((n) => ({
          operation: "create",
          client_id: n,
          document_id: n,
          data: { n },
        })),
      });
      const first = await session.events(2);
      await session.send({ operation: "create", client_id: "3", document_id: "3", data: {} });
      await session.events(1, { lastEventId: first });
      await session.events(1, { since: 2 });
      await session.events(1, { lastEventId: "nonsense" });
      await session.events(1, { epoch: "another" });
      await session.events(1, { since: 9 });
    },
  },
  {
    name: "batches that are asked for",
    async run(session) {
      const answer = await session.post({
        operations: [{ operation: "create", client_id: "1", document_id: "x", data: {} }],
      });
      if (answer.kind === "ok") await session.batch(answer.body.batch_id);
      await session.batch("00000000-0000-4000-8000-000000000000");
      await session.batch("nothing");
      await session.as({ subject: "bob", token: "nonsense" }, () => session.batch("nothing"));
    },
  },
  {
    name: "epochs",
    async run(session) {
      await session.send({ operation: "create", client_id: "1", data: { a: 1, b: 1 } });
      const page = await session.changes();
      if (page.kind !== "ok") return;
      await session.send(
        { operation: "update", client_id: "2", data: { a: 2 }, expected_version: 1 },
        { epoch: page.body.epoch },
      );
      await session.send(
        { operation: "update", client_id: "3", data: { a: 3 }, expected_version: 2 },
        { epoch: "another" },
      );
      await session.send(
        {
          operation: "update",
          client_id: "4",
          data: { b: 4 },
          expected_version: 2,
          ancestor: { a: 2, b: 1 },
        },
        { epoch: "another" },
      );
      await session.send(
        { operation: "update", client_id: "5", data: { b: 5 }, expected_version: 2 },
        { epoch: "another", on_conflict: "manual" },
      );
      await session.send(
        { operation: "update", client_id: "6", data: { b: 6 }, expected_version: 2 },
        { epoch: "another", on_conflict: "report", device_id: "d3" },
      );
      await session.changes();
      await session.document();
    },
  },
];

const BATCH = "/api/v1/documents/batch";
const json = { "content-type": "application/json" };
const body = (batch: object) => JSON.stringify({ workspace_id: ":workspace", device_id: "d1", ...batch });
const operation = (fields: object) =>
  body({ operations: [{ operation: "create", client_id: id("c"), document_id: "x", data: {}, ...fields }] });

const MALFORMED: Record<string, string> = {
  "no JSON": "{",
  "a list": "[]",
  "no operations": body({}),
  "an empty batch": body({ operations: [] }),
  "an unknown operation": operation({ operation: "upsert" }),
  "an unknown field": operation({ extra: 1 }),
  "an unknown field of the batch": body({ extra: 1, operations: [] }),
  "a number for data": operation({ data: 1 }),
  "a negative version": operation({ expected_version: -1 }),
  "an id with a control character": operation({ document_id: "a\u0007b" }),
  "an id that is too long": operation({ document_id: "a".repeat(201) }),
  "another id in data": operation({ data: { id: "y" } }),
  "NUL in a string": operation({ data: { text: "\u0000" } }),
  "half a surrogate": operation({ data: { text: "\ud800" } }),
  __proto__: `{"workspace_id":":workspace","operations":[{"operation":"create","client_id":"p","data":{"__proto__":1}}]}`,
  "a number that a double cannot hold": `{"workspace_id":":workspace","operations":[{"operation":"create","client_id":"n","data":{"n":12345678901234567890}}]}`,
  "a duplicate key": `{"workspace_id":":workspace","operations":[{"operation":"create","client_id":"k","data":{"a":1,"a":2}}]}`,
  "a client id twice": body({
    operations: [1, 2].map(() => ({ operation: "create", client_id: "twice", data: {} })),
  }),
  "an update with both": operation({ operation: "update", patch: [] }),
  "a pointer that is none": operation({
    operation: "update",
    data: undefined,
    patch: [{ op: "remove", path: "a" }],
  }),
  "an unknown strategy": body({
    on_conflict: "mine",
    operations: [{ operation: "delete", client_id: "1", document_id: "x" }],
  }),
  "a reserved device": body({
    device_id: "subject:bob",
    operations: [{ operation: "delete", client_id: "1", document_id: "x" }],
  }),
  "too many operations": body({
    operations: Array.from({ length: 101 }, (_, n) => ({
      operation: "delete",
      client_id: `${n}`,
      document_id: "x",
    })),
  }),
  "too deep": operation({ data: JSON.parse(`${'{"a":'.repeat(65)}1${"}".repeat(65)}`) as object }),
};

const refusals: Scenario[] = [
  ...Object.entries(MALFORMED).map(([name, text]): Scenario => ({
    name: `a malformed batch: ${name}`,
    run: (session) => session.raw("POST", BATCH, { headers: json, body: text }),
  })),
  {
    name: "requests without access",
    async run(session) {
      const create = { operations: [{ operation: "create", client_id: "1", document_id: "x", data: {} }] };
      await session.as({ token: "nonsense" }, () => session.post(create));
      await session.as({ token: "nonsense" }, () => session.changes());
      await session.as({ role: "reader" }, () => session.post(create));
      await session.as({ role: "reader" }, () => session.changes());
      await session.post({ ...create, workspace_id: "another" });
      await session.raw("GET", "/api/v1/workspaces/another/changes");
      await session.raw("GET", "/api/v1/workspaces/another/snapshot");
      await session.raw("GET", "/api/v1/workspaces/another/conflicts");
      await session.raw("GET", "/api/v1/workspaces/another/changes/events");
      await session.raw("GET", "/api/v1/workspaces/another/documents/documents/x");
      await session.raw("GET", "/api/v1/workspaces/another/operations/1");
      await session.raw("GET", "/api/v1/nowhere");
      await session.raw("POST", BATCH, { headers: { "content-type": "text/plain" }, body: operation({}) });
    },
  },
  {
    name: "a device of another subject",
    async run(session) {
      const batch = (client_id: string) => ({
        operations: [{ operation: "create", client_id, document_id: client_id, data: {} }],
      });
      await session.post(batch("1"));
      await session.as({ subject: "bob" }, () => session.post(batch("2")));
      await session.as({ subject: "bob" }, () => session.post({ ...batch("3"), device_id: "d2" }));
      await session.post({ ...batch("4"), device_id: "d2" });
    },
  },
  {
    name: "a batch without a device",
    async run(session) {
      const send = (client_id: string, expected_version?: number) =>
        session.post({
          device_id: undefined as never,
          operations: [
            {
              operation: "update",
              client_id,
              document_id: "x",
              data: { [client_id]: 1 },
              ...(expected_version && { expected_version }),
            },
          ],
        });
      await session.send({ operation: "create", client_id: "base", data: {} });
      await send("1", 1);
      await send("2", 1);
      await send("3", 2);
      await session.operation("1");
      await session.changes();
    },
  },
];

/** Every scenario of the contract. */
export const SCENARIOS: readonly Scenario[] = [
  ...outcomes,
  ...groups,
  ...collisions,
  ...people,
  ...feeds,
  ...refusals,
];
