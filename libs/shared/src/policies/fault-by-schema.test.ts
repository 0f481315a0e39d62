import { describe, expect, it } from "vitest";
import type { StandardSchema } from "../merge/document-schema.ts";
import { faultBySchema } from "./fault-by-schema.ts";

type Validate = StandardSchema["~standard"]["validate"];
const schema = (validate: Validate): StandardSchema => ({
  "~standard": { version: 1, vendor: "test", validate },
});
const faultOf = (validate: Validate) => faultBySchema(schema(validate), {});

describe("a schema", () => {
  it("finds no fault in a document without issues", () => {
    expect(faultOf(() => ({}))).toBeUndefined();
  });

  it("names each place as a pointer, with its sentence", () => {
    const issues = [
      { message: "is missing", path: ["a/b", { key: 0 }, "~"] },
      { message: "is odd" },
      { message: "is empty", path: [] },
    ];
    expect(faultOf(() => ({ issues }))).toEqual({
      kind: "violation",
      message:
        "The document violates its collection's schema: /a~1b/0/~0: is missing; the document: is odd; the document: is empty",
    });
  });

  it("names a bounded number of places, in bounded sentences", () => {
    const issues = Array.from({ length: 5_000 }, () => ({
      message: "x".repeat(9_000),
      path: ["y".repeat(9_000)],
    }));
    const { message = "" } = faultOf(() => ({ issues })) ?? {};
    expect(message.length).toBeLessThan(5_000);
    expect(message).toMatch(/; and 4990 more$/);
  });

  it.each<[string, Validate, string]>([
    [
      "throws",
      () => {
        throw new RangeError("secret");
      },
      "threw RangeError",
    ],
    ["returns a promise", () => Promise.resolve({}), "returned a promise"],
    ["returns a promise that is rejected", () => Promise.reject(new Error("secret")), "returned a promise"],
  ])("that %s is itself at fault, and says so", (_, validate, reason) => {
    const fault = faultOf(validate);
    expect(fault).toMatchObject({ kind: "failure", message: expect.stringContaining(reason) as string });
    expect(fault?.message).not.toContain("secret");
  });
});
