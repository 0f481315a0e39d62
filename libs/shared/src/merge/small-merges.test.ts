import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { JsonObject } from "../document/json.ts";
import { mergeDocument, type MergeOptions } from "../operations/merge-document.ts";

interface SmallMerge {
  readonly name: string;
  readonly reason: string;
  readonly options?: MergeOptions;
  readonly base: JsonObject;
  readonly remote: JsonObject;
  readonly local: JsonObject;
  readonly expected: JsonObject;
}

const file = new URL("testing/small-merges.json", import.meta.url);
const merges = JSON.parse(readFileSync(file, "utf8")) as SmallMerge[];

it.each(merges)("$name", ({ options, base: ancestor, remote, local, expected }) => {
  expect(mergeDocument({ ancestor, remote, local }, options).document).toStrictEqual(expected);
});
