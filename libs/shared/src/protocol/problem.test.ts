import { describe, expect, it } from "vitest";
import { PROBLEMS, Problem, fieldProblem } from "./problem.ts";

describe("a problem", () => {
  // Clients branch on these.
  it("has a name and a status that do not change", () => {
    const statusByType = Object.fromEntries(
      Object.entries(PROBLEMS).map(([type, { status }]) => [type, status]),
    );
    expect(statusByType).toMatchObject({
      "not-json": 400,
      unauthorized: 401,
      forbidden: 403,
      "not-found": 404,
      "request-timeout": 408,
      "share-exceeded": 429,
      "too-large": 413,
      "unsupported-media-type": 415,
      "invalid-field": 422,
      internal: 500,
      unavailable: 503,
    });
  });

  it("has the members of RFC 9457, and keeps the retry time for the header", () => {
    const problem = new Problem("unavailable", { detail: "A store is down", retryAfterSeconds: 3 });
    expect(JSON.parse(JSON.stringify(problem))).toStrictEqual({
      type: "urn:syncline:problem:unavailable",
      title: PROBLEMS.unavailable.title,
      status: 503,
      retryable: true,
      detail: "A store is down",
    });
    expect(problem.details.retryAfterSeconds).toBe(3);
  });

  it("uses its title as its message if it has no detail", () => {
    expect(new Problem("internal").message).toBe(PROBLEMS.internal.title);
  });
});

describe("a problem with a field", () => {
  const body = {
    operations: [
      { client_id: "op_1" },
      { client_id: "x".repeat(500) },
      { client_id: 7 },
      null,
      { client_id: `${"x".repeat(199)}😀` },
    ],
  };
  const at = (path: (string | number)[]) => fieldProblem({ path, message: "is wrong" }, body);

  it("names the field by a JSON Pointer and the operation by its client_id", () => {
    expect(at(["operations", 0, "data", "a/b", "~c"]).toJSON()).toMatchObject({
      status: 422,
      field: "/operations/0/data/a~1b/~0c",
      operation: "op_1",
      detail: "/operations/0/data/a~1b/~0c (operation op_1) is wrong",
    });
  });

  it.each([
    ["on the batch", ["device_id"]],
    ["on an operation without a usable client_id", ["operations", 2, "data"]],
    ["on an element that is no operation", ["operations", 3]],
    ["on a missing operation", ["operations", 9]],
    ["on the list itself", ["operations"]],
  ])("%s names no operation", (_what, path) => {
    expect(at(path).toJSON()).not.toHaveProperty("operation");
  });

  it("cuts a client_id at the maximum length of an id", () => {
    expect(at(["operations", 1, "data"]).details.operation).toHaveLength(200);
    expect(at(["operations", 4, "data"]).details.operation).toBe("x".repeat(199));
  });

  it.each([null, undefined, "text", [], { operations: "text" }])("can be about the body %j", (odd) => {
    expect(
      fieldProblem({ path: ["operations", 0], message: "is wrong" }, odd).details.operation,
    ).toBeUndefined();
    expect(fieldProblem({ path: [], message: "is wrong" }, odd).message).toBe("the body is wrong");
  });
});
