import { createHash } from "node:crypto";
import { canonicalJson } from "@syncline/shared/document";
import { expect, it } from "vitest";
import { openApiDocument } from "./openapi-document.ts";
import { WIRE_VERSIONS } from "./wire-version.ts";

/** Texts for people may change without a word. */
const TEXTS = new Set(["description", "summary", "title"]);

function withoutTexts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTexts);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(
    ([key, inner]) => !(TEXTS.has(key) && typeof inner === "string"),
  );
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutTexts(inner)]));
}

it("the wire changes only with a note of its new version", () => {
  const shape = canonicalJson(JSON.parse(JSON.stringify(withoutTexts(openApiDocument()))));
  const fingerprint = createHash("sha256").update(shape).digest("hex").slice(0, 16);
  expect(WIRE_VERSIONS.at(-1)?.fingerprint, "see wire-version.ts").toBe(fingerprint);
});
