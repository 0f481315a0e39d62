import { describe, expect, it } from "vitest";
import { batchSchema } from "./batch.ts";

const CREATE = { operation: "create", client_id: "op_1", data: { title: "New" } };
const UPDATE = { operation: "update", client_id: "op_2", document_id: "d", data: { title: "Updated" } };
const PATCH = { operation: "update", client_id: "op_3", document_id: "d" };

function parse(operations: unknown[], rest: object = {}) {
  return batchSchema.safeParse({ workspace_id: "w", operations, ...rest });
}

/** The path of the first fault. */
function faultAt(operations: unknown[], rest?: object): string | undefined {
  return parse(operations, rest).error?.issues[0]?.path.join("/");
}

describe("the batch schema", () => {
  it("fills in the defaults of a request", () => {
    expect(parse([CREATE]).data).toStrictEqual({
      workspace_id: "w",
      atomic: false,
      operations: [{ ...CREATE, collection: "documents", priority: "normal" }],
    });
  });

  it("accepts every operation with all its fields", () => {
    const common = {
      collection: "games",
      expected_version: 0,
      timestamp: 1_700_000_000_000,
      priority: "immediate",
      group: "g",
      on_conflict: "report",
      ancestor: {},
    };
    const operations = [
      { ...CREATE, ...common, document_id: "a" },
      { ...CREATE, ...common, operation: "put", client_id: "op_put", document_id: "b" },
      { ...UPDATE, ...common },
      { ...PATCH, ...common, patch: [{ op: "add", path: "/a~0~1/-", value: null }] },
      { operation: "delete", client_id: "op_4", document_id: "e", ...common },
    ];
    const rest = { device_id: "dev", atomic: true, on_conflict: "last-write-wins", epoch: "e1" };
    expect(parse(operations, rest).data).toStrictEqual({ workspace_id: "w", operations, ...rest });
  });

  it("drops unknown members of a patch step, as RFC 6902 requires (appendix A.11)", () => {
    const patch = [{ op: "add", path: "/baz", value: "qux", xyz: 123 }];
    expect(parse([{ ...PATCH, patch }]).data?.operations[0]).toMatchObject({
      patch: [{ op: "add", path: "/baz", value: "qux" }],
    });
    expect(JSON.stringify(parse([{ ...PATCH, patch }]).data)).not.toContain("xyz");
  });

  it.each<[string, unknown, string]>([
    ["has no data in a create", { operation: "create", client_id: "c" }, "operations/0/data"],
    ["has data that is an array", { ...CREATE, data: [] }, "operations/0/data"],
    ["has data that is null", { ...CREATE, data: null }, "operations/0/data"],
    ["names no document in an update", { ...UPDATE, document_id: undefined }, "operations/0/document_id"],
    ["names no document in a put", { ...CREATE, operation: "put" }, "operations/0/document_id"],
    ["names no document in a delete", { operation: "delete", client_id: "c" }, "operations/0/document_id"],
    ["has no client_id", { ...CREATE, client_id: undefined }, "operations/0/client_id"],
    ["has an empty client_id", { ...CREATE, client_id: "" }, "operations/0/client_id"],
    ["has an id of 201 characters", { ...CREATE, document_id: "x".repeat(201) }, "operations/0/document_id"],
    ["has an id that is a number", { ...CREATE, document_id: 7 }, "operations/0/document_id"],
    ["has an empty collection", { ...CREATE, collection: "" }, "operations/0/collection"],
    ["has an empty group", { ...CREATE, group: "" }, "operations/0/group"],
    ["has an unknown kind", { ...CREATE, operation: "upsert" }, "operations/0/operation"],
    ["has an unknown priority", { ...CREATE, priority: "asap" }, "operations/0/priority"],
    ["expects a version below 0", { ...UPDATE, expected_version: -1 }, "operations/0/expected_version"],
    [
      "expects a fraction of a version",
      { ...UPDATE, expected_version: 1.5 },
      "operations/0/expected_version",
    ],
    ["has a timestamp that is a text", { ...UPDATE, timestamp: "2026-01-01" }, "operations/0/timestamp"],
    ["has an ancestor that is no object", { ...UPDATE, ancestor: [] }, "operations/0/ancestor"],
    ["carries neither data nor patch", { ...PATCH }, "operations/0/data"],
    ["carries both data and patch", { ...UPDATE, patch: [] }, "operations/0/data"],
    ["carries data in a delete", { ...UPDATE, operation: "delete" }, "operations/0"],
    ["carries a patch in a create", { ...CREATE, patch: [] }, "operations/0"],
    ["has an id in its data that cannot be one", { ...CREATE, data: { id: 7 } }, "operations/0/data/id"],
    ["has an empty id in its data", { ...CREATE, data: { id: "" } }, "operations/0/data/id"],
    [
      "patches with a pointer without a slash",
      patch({ op: "remove", path: "a" }),
      "operations/0/patch/0/path",
    ],
    ["patches with a lone tilde", patch({ op: "remove", path: "/a~" }), "operations/0/patch/0/path"],
    ["patches with ~2", patch({ op: "remove", path: "/~2" }), "operations/0/patch/0/path"],
    ["patches without a value", patch({ op: "add", path: "/a" }), "operations/0/patch/0/value"],
    ["patches without a from", patch({ op: "move", path: "/a" }), "operations/0/patch/0/from"],
    ["patches with an unknown step", patch({ op: "merge", path: "/a" }), "operations/0/patch/0/op"],
    ["patches __proto__", patch({ op: "add", path: "/__proto__/x", value: 1 }), "operations/0/patch/0/path"],
    [
      "copies from __proto__",
      patch({ op: "copy", from: "/__proto__", path: "/a" }),
      "operations/0/patch/0/from",
    ],
    [
      "patches in 1001 steps",
      patch(...Array.from({ length: 1_001 }, () => ({ op: "remove", path: "/a" }))),
      "operations/0/patch",
    ],
  ])("refuses an operation that %s, and reports the path", (_what, operation, path) => {
    expect(faultAt([operation])).toBe(path);
  });

  it.each<[string, object, string]>([
    ["names no workspace", { workspace_id: undefined }, "workspace_id"],
    ["has an unknown strategy", { on_conflict: "mine" }, "on_conflict"],
    ["is atomic by a text", { atomic: "true" }, "atomic"],
    ["has an empty device_id", { device_id: "" }, "device_id"],
    ["has an empty epoch", { epoch: "" }, "epoch"],
  ])("refuses a batch that %s, and reports the path", (_what, rest, path) => {
    expect(faultAt([CREATE], rest)).toBe(path);
  });

  it("refuses a batch without operations", () => {
    expect(faultAt([])).toBe("operations");
  });

  it.each(["create", "put", "update"])("refuses a %s whose data.id differs from document_id", (kind) => {
    const operation = { operation: kind, client_id: "c", document_id: "a" };
    expect(faultAt([{ ...operation, data: { id: "b" } }])).toBe("operations/0/data/id");
    expect(faultAt([{ ...operation, data: { id: "a" } }])).toBeUndefined();
  });

  it.each(["\u0000", "\u001f", "\n", "\u007f", "\u0085"])(
    "refuses the control character %j in any id",
    (character) => {
      const id = `a${character}b`;
      expect(faultAt([CREATE], { workspace_id: id })).toBe("workspace_id");
      expect(faultAt([CREATE], { device_id: id })).toBe("device_id");
      expect(faultAt([{ ...CREATE, client_id: id }])).toBe("operations/0/client_id");
      expect(faultAt([{ ...CREATE, document_id: id }])).toBe("operations/0/document_id");
      expect(faultAt([{ ...CREATE, data: { id } }])).toBe("operations/0/data/id");
      expect(faultAt([{ ...CREATE, collection: id }])).toBe("operations/0/collection");
      expect(faultAt([{ ...CREATE, group: id }])).toBe("operations/0/group");
    },
  );

  it("accepts ids of 200 characters, and of any script", () => {
    expect(parse([{ ...CREATE, document_id: "x".repeat(200) }]).success).toBe(true);
    expect(parse([{ ...CREATE, document_id: "übung/東京 😀" }]).success).toBe(true);
  });

  it("points at the second operation that has a client_id", () => {
    expect(faultAt([CREATE, UPDATE, { ...UPDATE, client_id: "op_1" }])).toBe("operations/2/client_id");
  });

  // A check that backtracks would take hours.
  it("reads a pointer of megabytes without backtracking", () => {
    const step = { op: "remove", path: `/${"a".repeat(9_000_000)}` };
    expect(parse([patch(step)]).success).toBe(true);
  });
});

function patch(...steps: object[]): object {
  return { ...PATCH, patch: steps };
}

describe("groups", () => {
  const batchOf = (...operations: [id: string, group?: string][]) => ({
    workspace_id: "w",
    operations: operations.map(([document_id, group], index) => ({
      operation: "put",
      client_id: `c${index}`,
      document_id,
      data: {},
      ...(group === undefined ? {} : { group }),
    })),
  });

  it.each([
    ["apart", batchOf(["a", "g"], ["a", "g"], ["a"]), []],
    ["with documents of other groups in between", batchOf(["a", "g"], ["x"], ["b", "g"]), []],
    ["one after the other", batchOf(["a", "g"], ["b", "g"], ["a", "h"], ["b", "h"]), []],
    ["with one of its documents in between", batchOf(["a", "g"], ["b"], ["b", "g"]), [1]],
    ["interleaved on one document", batchOf(["a", "g"], ["a", "h"], ["b", "g"], ["b", "h"]), [1, 2]],
  ])("%s", (_name, batch, straddled) => {
    const issues = batchSchema.safeParse(batch).error?.issues ?? [];
    expect(issues.map(({ path }) => path)).toEqual(straddled.map((index) => ["operations", index, "group"]));
  });
});
