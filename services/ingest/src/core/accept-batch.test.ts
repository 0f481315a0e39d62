import { batchSchema, type Batch } from "@syncline/shared/schemas";
import { describe, expect, it } from "vitest";
import { acceptBatch, type Acceptance } from "./accept-batch.ts";

const NOW_MS = 1_700_000_000_000;

function batchOf(operations: object[], rest: object = {}): Batch {
  return batchSchema.parse({ workspace_id: "w", operations, ...rest });
}

function accept(batch: Batch, changes: Partial<Acceptance> = {}) {
  let made = 0;
  return acceptBatch(batch, {
    batchId: "b",
    subject: "user_1",
    requestId: "r",
    replyTo: "ingest_1",
    nowMs: NOW_MS,
    newId: () => `made_${++made}`,
    fingerprint: (content) => JSON.stringify(content),
    ...changes,
  });
}

const create = (clientId: string, rest: object = {}) => ({
  operation: "create",
  client_id: clientId,
  data: { title: "New" },
  ...rest,
});
const update = (clientId: string, rest: object = {}) => ({
  operation: "update",
  client_id: clientId,
  document_id: "d",
  data: { n: 1 },
  ...rest,
});

describe("accepting a batch", () => {
  it("fixes the sender, the time and the process that waits", () => {
    const { batch } = accept(
      batchOf([update("op_1")], { device_id: "dev_1", atomic: true, on_conflict: "manual", epoch: "e" }),
    );
    expect(batch).toMatchObject({
      batchId: "b",
      workspaceId: "w",
      deviceId: "dev_1",
      deviceDeclared: true,
      subject: "user_1",
      requestId: "r",
      acceptedAtMs: NOW_MS,
      replyTo: "ingest_1",
      atomic: true,
      onConflict: "manual",
      epoch: "e",
    });
  });

  it("uses the subject in place of a device, under a name that no device can have", () => {
    const { batch } = accept(batchOf([update("op_1")]));
    expect(batch).toMatchObject({ deviceId: "subject:user_1", deviceDeclared: false });
    expect(batch).not.toHaveProperty("onConflict");
    expect(batch).not.toHaveProperty("epoch");
  });

  it("keeps every field of an operation", () => {
    const said = { collection: "games", expected_version: 2, group: "g", ancestor: { n: 0 }, timestamp: 5 };
    const { batch } = accept(batchOf([update("op_1", said)]));
    expect(batch.operations).toStrictEqual([
      {
        clientId: "op_1",
        position: 0,
        kind: "update",
        collection: "games",
        documentId: "d",
        data: { n: 1 },
        expectedVersion: 2,
        ancestor: { n: 0 },
        timestampMs: 5,
        group: "g",
        fingerprint: expect.any(String),
      },
    ]);
  });

  it("keeps an expected version of 0, which means that the document must be absent", () => {
    const { batch } = accept(batchOf([create("op_1", { expected_version: 0 })]));
    expect(batch.operations[0]?.expectedVersion).toBe(0);
  });

  it("takes a create's id from document_id, otherwise from its data, and otherwise makes one", () => {
    const { batch } = accept(
      batchOf([
        create("given", { document_id: "d_1" }),
        create("inside", { data: { id: "d_2" } }),
        create("made"),
        create("also made"),
      ]),
    );
    expect(batch.operations.map(({ documentId }) => documentId)).toEqual(["d_1", "d_2", "made_1", "made_2"]);
  });

  it("makes no id for an operation that names its document", () => {
    accept(batchOf([update("op_1"), { operation: "delete", client_id: "op_2", document_id: "d" }]), {
      newId: () => expect.unreachable("an id was made"),
    });
  });

  it("orders operations as they take effect, and keeps their positions in the request", () => {
    const { batch } = accept(
      batchOf([
        { operation: "delete", client_id: "gone", document_id: "old" },
        update("stays"),
        create("new"),
      ]),
    );
    expect(batch.operations.map(({ clientId, position }) => [clientId, position])).toEqual([
      ["stays", 1],
      ["new", 2],
      ["gone", 0],
    ]);
  });

  it("clamps a timestamp ahead of the server's clock, and reports the largest skew", () => {
    const { batch, clockSkewMs } = accept(
      batchOf([
        update("past", { timestamp: NOW_MS - 1_000 }),
        update("ahead", { timestamp: NOW_MS + 500 }),
        update("far ahead", { timestamp: NOW_MS + 90_000 }),
        update("none"),
      ]),
    );
    expect(batch.operations.map(({ timestampMs }) => timestampMs)).toEqual([
      NOW_MS - 1_000,
      NOW_MS,
      NOW_MS,
      undefined,
    ]);
    expect(clockSkewMs).toBe(90_000);
  });

  it("reports no skew for clocks that are behind, or without timestamps", () => {
    expect(accept(batchOf([update("op_1", { timestamp: 1 }), update("op_2")])).clockSkewMs).toBe(0);
  });
});

describe("an operation's fingerprint", () => {
  const fingerprintOf = (operation: object) => accept(batchOf([operation])).batch.operations[0]?.fingerprint;
  const first = fingerprintOf(update("op_1", { expected_version: 1 }));

  it("is the same for a resend, in any batch and at any time", () => {
    const resend = update("op_1", { expected_version: 1, timestamp: 9, priority: "high", group: "g" });
    expect(fingerprintOf(resend)).toBe(first);
    expect(
      accept(batchOf([create("op_0"), update("op_1", { expected_version: 1 })])).batch.operations[1]
        ?.fingerprint,
    ).toBe(first);
  });

  it("is the same for a resent create, although its id is made anew", () => {
    expect(accept(batchOf([create("op_1")]), { newId: () => "one" }).batch.operations[0]?.fingerprint).toBe(
      accept(batchOf([create("op_1")]), { newId: () => "two" }).batch.operations[0]?.fingerprint,
    );
  });

  it.each<[string, object]>([
    ["data", update("op_1", { expected_version: 1, data: { n: 2 } })],
    ["document", update("op_1", { expected_version: 1, document_id: "e" })],
    ["collection", update("op_1", { expected_version: 1, collection: "games" })],
    ["expected version", update("op_1", { expected_version: 2 })],
    ["kind", update("op_1", { expected_version: 1, operation: "put" })],
    ["form of the change", update("op_1", { expected_version: 1, data: undefined, patch: [] })],
  ])("differs with another %s", (_what, operation) => {
    expect(fingerprintOf(operation)).not.toBe(first);
  });
});
