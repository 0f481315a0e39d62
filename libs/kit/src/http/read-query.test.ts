import { wholeNumber } from "@syncline/shared/schemas";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Problem } from "@syncline/shared/protocol";
import { readQuery } from "./read-query.ts";

const schema = z.object({ since: wholeNumber({ min: 0 }).default(0), name: z.string().min(1).optional() });
const read = (query: string, of: z.ZodObject = schema) => readQuery(of, { originalUrl: `/changes${query}` });

function refusalOf(query: string, of?: z.ZodObject): unknown[] {
  try {
    return ["read", read(query, of)];
  } catch (error) {
    return error instanceof Problem ? [error.status, error.details.field, error.message] : ["threw", error];
  }
}

describe("a query string", () => {
  it.each<[string, object]>([
    ["", { since: 0 }],
    ["?", { since: 0 }],
    ["?since=7", { since: 7 }],
    ["?&since=7&", { since: 7 }],
    ["?name=a%20b+c%2Bd", { since: 0, name: "a b c+d" }],
    ["?name=a=b", { since: 0, name: "a=b" }],
    ["?name=a?b", { since: 0, name: "a?b" }],
    ["?%73ince=7", { since: 7 }],
  ])("%j is read", (query, expected) => {
    expect(read(query)).toStrictEqual(expected);
  });

  it.each<[string, string, RegExp]>([
    ["?sinec=7", "/sinec", /is not a parameter of this route; it has since, name/],
    ["?since=7&limit=1", "/limit", /not a parameter/],
    ["?since[]=7", "/since[]", /not a parameter/],
    ["?since[a]=7", "/since[a]", /not a parameter/],
    ["?since%5B%5D=7", "/since[]", /not a parameter/],
    ["?Since=7", "/Since", /not a parameter/],
    ["? since=7", "/ since", /not a parameter/],
    ["?__proto__=7", "/__proto__", /not a parameter/],
    ["?constructor=7", "/constructor", /not a parameter/],
    ["?=7", "/", /not a parameter/],
    ["?since=7&since=7", "/since", /is given more than once/],
    ["?since=7&%73ince=8", "/since", /is given more than once/],
    ["?since=", "/since", /must be a whole number/],
    ["?since", "/since", /must be a whole number/],
    ["?since=0x10", "/since", /must be a whole number/],
    ["?since=+1", "/since", /must be a whole number/],
    ["?since=%2B1", "/since", /must be a whole number/],
    ["?since=7#part", "/since", /must be a whole number/],
    ["?since=7;name=a", "/since", /must be a whole number/],
    ["?name=%FF", "/name", /is not percent-encoded UTF-8/],
    ["?name=%", "/name", /is not percent-encoded UTF-8/],
    ["?%zz=1", "/%zz", /is not percent-encoded UTF-8/],
  ])("%j is rejected", (query, field, message) => {
    expect(refusalOf(query)).toEqual([422, field, expect.stringMatching(message)]);
  });

  it("must be empty for a route without parameters", () => {
    expect(read("", z.object({}))).toStrictEqual({});
    expect(refusalOf("?a=1", z.object({}))).toEqual([
      422,
      "/a",
      "/a is not a parameter of this route, which has none",
    ]);
  });
});
