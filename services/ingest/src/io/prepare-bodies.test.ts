import { Problem } from "@syncline/shared/protocol";
import { afterAll, describe, expect, it } from "vitest";
import { createPrepareBodies, INLINE_BYTES_MAX } from "./prepare-bodies.ts";

const bodies = createPrepareBodies({ threads: 1 });
afterAll(() => bodies.close());

const FACTS = { batchId: "b", subject: "alice", requestId: "r", replyTo: "i", nowMs: 1_000 };
const SMALL = { text: "x", many: [1, 2, 3] };
const LARGE = { text: "x".repeat(2 * INLINE_BYTES_MAX), many: [1, 2, 3] };
const bodyOf = (data: object, more: object = {}) =>
  new Uint8Array(
    Buffer.from(
      JSON.stringify({
        workspace_id: "w",
        device_id: "d",
        operations: [
          {
            operation: "put",
            client_id: "op",
            document_id: "doc",
            data,
            priority: "high",
            timestamp: 3_000,
            ...more,
          },
        ],
      }),
    ),
  );
const textOf = (json: string | Uint8Array) =>
  typeof json === "string" ? json : Buffer.from(json).toString();

describe("a body", () => {
  it("has the same outcome whether it is small, or large and prepared outside the thread that answers", async () => {
    const [small, large] = [
      await bodies.batch(bodyOf(SMALL), FACTS),
      await bodies.batch(bodyOf(LARGE), FACTS),
    ];
    expect([typeof small.json, typeof large.json]).toEqual(["string", "object"]);
    const { fingerprint, ...head } = small.head.operations[0] ?? { fingerprint: "" };
    expect(large.head).toEqual({
      ...small.head,
      operations: [{ ...head, fingerprint: expect.not.stringMatching(fingerprint) as string }],
    });
    expect([small.urgent, small.clockSkewMs]).toEqual([true, 2_000]);
    expect([large.urgent, large.clockSkewMs]).toEqual([true, 2_000]);
    const batch = JSON.parse(textOf(large.json)) as { operations: object[] };
    expect(batch).toEqual({ ...large.head, operations: [{ ...large.head.operations[0], data: LARGE }] });
  });

  it("keeps no content in the head of its batch", async () => {
    const { head, json } = await bodies.batch(
      bodyOf(SMALL, { ancestor: { secret: "old" }, expected_version: 1 }),
      FACTS,
    );
    expect(JSON.stringify(head)).not.toMatch(/many|secret/);
    expect(textOf(json)).toMatch(/many.*secret/);
  });

  it.each([
    ["small", SMALL],
    ["large", LARGE],
  ])("is rejected with the same problem if it is %s", async (_size, data) => {
    const refused = bodies.batch(bodyOf(data, { document_id: "" }), FACTS);
    await expect(refused).rejects.toBeInstanceOf(Problem);
    await expect(refused).rejects.toMatchObject({
      type: "invalid-field",
      details: { field: "/operations/0/document_id", operation: "op" },
    });
  });

  it("of a decision is rejected if its document is too large", async () => {
    const decisionOf = (data: object) =>
      new Uint8Array(Buffer.from(JSON.stringify({ choice: "data", data })));
    await expect(bodies.decision(decisionOf(LARGE), "alice")).resolves.toEqual({
      choice: "data",
      data: LARGE,
    });
    const tooMany = { many: Array.from({ length: 50_001 }, () => 0) };
    await expect(bodies.decision(decisionOf(tooMany), "alice")).rejects.toMatchObject({ type: "too-large" });
  });
});

it("does not block the thread that answers while a large body is prepared", async () => {
  const keys = Array.from({ length: 40_000 }, (_, n) => [`k${n}`, 1] as const);
  const preparing = bodies.batch(bodyOf(Object.fromEntries(keys)), FACTS);
  const done = preparing.then(() => "done");
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  // Counts the event loop's turns meanwhile; there would be none if the body were prepared on this thread.
  let turns = 0;
  while ((await Promise.race([done, turn()])) !== "done") turns++;
  expect(turns).toBeGreaterThan(10);
  expect((await preparing).head.operations).toHaveLength(1);
});
