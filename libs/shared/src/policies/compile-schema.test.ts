import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { JsonSchema, StandardSchema } from "../merge/document-schema.ts";
import { faultBySchema } from "./fault-by-schema.ts";
import { compileSchema } from "./compile-schema.ts";
import { definePolicies } from "./define-policies.ts";

const unbounded = <T>(call: () => T): T => call();
const SCHEMAS: [string, StandardSchema | JsonSchema][] = [
  ["zod", z.strictObject({ title: z.string(), tags: z.array(z.string()).optional() })],
  ["valibot", v.strictObject({ title: v.string(), tags: v.optional(v.array(v.string())) })],
  [
    "JSON Schema",
    {
      type: "object",
      required: ["title"],
      additionalProperties: false,
      properties: { title: { type: "string" }, tags: { type: "array", items: { type: "string" } } },
    },
  ],
];

describe.each(SCHEMAS)("a schema of %s", (_, given) => {
  const schema = compileSchema(given, unbounded);

  it("accepts what it describes", () => {
    expect(faultBySchema(schema, { title: "Milk", tags: ["a"] })).toBeUndefined();
  });

  it.each([
    [{}, "title"],
    [{ title: 1 }, "/title: "],
    [{ title: "Milk", tags: ["a", 2] }, "/tags/1: "],
    [{ title: "Milk", more: 1 }, "more"],
  ])("names the places of %j", (document, place) => {
    const fault = faultBySchema(schema, document);
    expect(fault).toMatchObject({ kind: "violation", message: expect.stringContaining(place) as string });
  });

  it("runs within the limit that it is given", () => {
    let calls = 0;
    const counting = compileSchema(given, (call) => {
      calls += 1;
      return call();
    });
    calls = 0;
    faultBySchema(counting, { title: "Milk" });
    expect(calls).toBe(1);
  });
});

describe("a schema that can never be used stops the start, with its path", () => {
  const throwing: StandardSchema = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate() {
        throw new TypeError("secret");
      },
    },
  };
  it.each<[string, unknown, string]>([
    ["no schema", 7, "must be a Standard Schema or a JSON Schema"],
    ["an invalid JSON Schema", { type: "objekt" }, "type"],
    ["an unknown keyword", { type: "object", requried: ["title"] }, "requried"],
    ["an asynchronous JSON Schema", { $async: true, type: "object" }, "must be synchronous"],
    [
      "an asynchronous one of zod",
      z.object({}).refine(async () => Promise.resolve(true)),
      "must be synchronous",
    ],
    ["an asynchronous one of valibot", v.objectAsync({}), "must be synchronous"],
    ["one that throws", throwing, "threw TypeError"],
  ])("%s", (_, schema, reason) => {
    const policies = { collections: { notes: { schema } } } as Parameters<typeof definePolicies>[0];
    expect(() => definePolicies(policies)).toThrow(/collections\.notes\.schema: /);
    expect(() => definePolicies(policies)).toThrow(reason);
  });
});
