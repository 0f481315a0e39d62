import { Problem } from "@syncline/shared/protocol";
import { describe, expect, it } from "vitest";
import { readBatch } from "./read-batch.ts";
import { readJson } from "./read-json.ts";

const CREATE = { operation: "create", client_id: "op_1", data: { id: "doc_1", title: "New" } };
const UPDATE = { operation: "update", client_id: "op_2", document_id: "doc_2", data: { n: 1 } };

function bodyOf(operations: unknown, rest: object = {}): string {
  return JSON.stringify({ workspace_id: "w", operations, ...rest });
}

function readBody(body: string | Uint8Array) {
  return readBatch(readJson(typeof body === "string" ? Buffer.from(body) : body));
}

/** Returns the problem that a body is rejected with. */
function refusal(body: string | Uint8Array): Problem {
  try {
    readBody(body);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("the body was not refused");
}

/** Makes a body whose second operation has this text as its `data`. */
function withData(text: string): string {
  return bodyOf([CREATE, { ...UPDATE, data: "DATA" }]).replace('"DATA"', text);
}

describe("reading a batch", () => {
  it("returns the batch with its defaults", () => {
    const read = readBody(bodyOf([CREATE, UPDATE], { device_id: "dev_1" }));
    expect(read).toEqual({
      workspace_id: "w",
      device_id: "dev_1",
      atomic: false,
      operations: [
        { ...CREATE, collection: "documents", priority: "normal" },
        { ...UPDATE, collection: "documents", priority: "normal" },
      ],
    });
  });

  it("accepts 100 operations and rejects 101 as too large, before checking them", () => {
    const operations = Array.from({ length: 100 }, (_, index) => ({ ...CREATE, client_id: `op_${index}` }));
    expect(readBody(bodyOf(operations)).operations).toHaveLength(100);
    const problem = refusal(bodyOf([...operations, "nonsense"]));
    expect(problem.toJSON()).toMatchObject({
      type: "urn:syncline:problem:too-large",
      status: 413,
      field: "/operations",
      detail: expect.stringContaining("101"),
    });
  });

  it.each([
    ["an empty body", ""],
    ["half a body", '{"workspace_id":"w"'],
    ["invalid UTF-8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)],
    ["UTF-8 cut off inside a character", Uint8Array.of(0x22, 0xe2, 0x82)],
    ["a surrogate in UTF-8", Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)],
    ["UTF-16", Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0)],
  ])("rejects %s as not JSON", (_what, body) => {
    const problem = refusal(body);
    expect([problem.type, problem.status]).toEqual(["not-json", 400]);
  });

  it.each([["[]"], ["null"], ['"text"'], ["1"]])("rejects %s, which is no batch", (body) => {
    const problem = refusal(body);
    expect([problem.type, problem.status, problem.details.field]).toEqual(["invalid-field", 422, ""]);
  });

  it.each<[string, string, string]>([
    ["an unknown field", bodyOf([CREATE, { ...UPDATE, colour: 1 }]), "/operations/1/colour"],
    ["a client_id twice", bodyOf([CREATE, UPDATE, UPDATE]), "/operations/2/client_id"],
    ["a data.id that differs", bodyOf([CREATE, { ...UPDATE, data: { id: "x" } }]), "/operations/1/data/id"],
    ["both data and patch", bodyOf([CREATE, { ...UPDATE, patch: [] }]), "/operations/1/data"],
    [
      "a control character in an id",
      bodyOf([CREATE, { ...UPDATE, document_id: "a\nb" }]),
      "/operations/1/document_id",
    ],
    ["NUL in a value", withData(String.raw`{"a~b":["\u0000"]}`), "/operations/1/data/a~0b/0"],
    ["NUL in an id", bodyOf([CREATE, { ...UPDATE, document_id: "a\u0000b" }]), "/operations/1/document_id"],
    ["a lone surrogate", withData(String.raw`{"a/b":"\ud800"}`), "/operations/1/data/a~1b"],
    ["__proto__ as a key", withData('{"__proto__":{}}'), "/operations/1/data/__proto__"],
    [
      "__proto__ in a patch",
      bodyOf([CREATE, { ...UPDATE, data: undefined, patch: [{ op: "remove", path: "/a/__proto__/b" }] }]),
      "/operations/1/patch/0/path",
    ],
    ["a number that a double cannot hold", withData('{"n":12345678901234567890}'), "/operations/1/data/n"],
    [
      "65 levels of nesting",
      withData('{"a":'.repeat(65) + "1" + "}".repeat(65)),
      `/operations/1/data${"/a".repeat(64)}`,
    ],
  ])("rejects %s, naming the operation and the field", (_what, body, field) => {
    const problem = refusal(body);
    expect(problem.toJSON()).toEqual({
      type: "urn:syncline:problem:invalid-field",
      title: expect.any(String),
      status: 422,
      retryable: false,
      operation: "op_2",
      field,
      detail: expect.stringContaining("op_2"),
    });
  });

  it.each<[string, string, string]>([
    ["an unknown field", bodyOf([CREATE], { colour: 1 }), "/colour"],
    ["no workspace", bodyOf([CREATE], { workspace_id: undefined }), "/workspace_id"],
    ["a control character in the device", bodyOf([CREATE], { device_id: "a\tb" }), "/device_id"],
    ["a device that stands in for a subject", bodyOf([CREATE], { device_id: "subject:eve" }), "/device_id"],
    ["no operations", bodyOf([]), "/operations"],
    ["operations that are no list", bodyOf({ length: 101 }), "/operations"],
  ])("rejects a batch with %s, naming the field and no operation", (_what, body, field) => {
    const { details, type } = refusal(body);
    expect([type, details.field, details.operation]).toEqual(["invalid-field", field, undefined]);
  });

  it("accepts content that only resembles rejected content", () => {
    const data = '{"n":[0.1,1.0,1e21,-0,0.30000000000000004],"t":"__proto__ 😀 12345678901234567890"}';
    const batch = readBody(withData(data));
    expect(batch.operations[1]).toMatchObject({
      data: { n: [0.1, 1, 1e21, -0, 0.1 + 0.2], t: "__proto__ 😀 12345678901234567890" },
    });
  });

  it("does not repeat content of the body in the answer", () => {
    const bodies = [withData('{"secret":"sesame","n":1e400}'), bodyOf([{ ...CREATE, priority: "sesame" }])];
    for (const body of bodies) expect(JSON.stringify(refusal(body))).not.toContain("sesame");
  });
});

describe("a batch with several invalid operations", () => {
  const invalid = { ...UPDATE, client_id: "op_3", patch: [] };
  it("names the first fault of each, the first one in its usual place", () => {
    const { details } = refusal(
      bodyOf([CREATE, { ...UPDATE, expected_version: -1, colour: 1 }, invalid, {}]),
    );
    expect(details).toMatchObject({ operation: "op_2", field: "/operations/1/expected_version" });
    expect(details.errors?.map(({ index, operation, field }) => [index, operation, field])).toEqual([
      [1, "op_2", "/operations/1/expected_version"],
      [2, "op_3", "/operations/2/data"],
      [3, undefined, "/operations/3/operation"],
    ]);
  });

  it("gives no list for a single one", () => {
    expect(refusal(bodyOf([CREATE, invalid])).details).not.toHaveProperty("errors");
  });

  it("is answered within bounds, however long its keys are", () => {
    const bad = Array.from({ length: 100 }, (_, index) => ({
      ...UPDATE,
      client_id: `op_${index}`,
      ["x".repeat(10_000)]: 1,
    }));
    const problem = refusal(bodyOf(bad));
    expect(problem.details.errors).toHaveLength(100);
    expect(JSON.stringify(problem).length).toBeLessThan(100_000);
  });
});
