import { describe, expect, it } from "vitest";
import { z } from "zod";
import { jsonEqual } from "./json-equal.ts";
import type { Json } from "./json.ts";
import { jsonPatchStepSchema } from "../schemas/operation.ts";
import { OPERATION_VALUES_MAX } from "./budget.ts";
import { applyJsonPatch } from "./json-patch.ts";
import specTests from "../operations/testing/json-patch-spec-tests.json" with { type: "json" };
import tests from "../operations/testing/json-patch-tests.json" with { type: "json" };

interface SuiteCase {
  comment?: string;
  doc: Json;
  patch: unknown;
  expected?: Json;
  error?: string;
}

/** They tell an object with a member twice, which parsed JSON cannot show. */
const NOT_EXPRESSIBLE = ["duplicate ops", "A.13 Invalid JSON Patch Document"];

const cases = ([...specTests, ...tests] as SuiteCase[])
  .filter(({ comment }) => !NOT_EXPRESSIBLE.includes(comment ?? ""))
  .map((given) => ({ ...given, name: given.comment ?? JSON.stringify(given.patch) }));

/** Validates a patch as ingest does, and applies it as the worker does. */
function patched(doc: Json, patch: unknown): Json | undefined {
  const steps = z.array(jsonPatchStepSchema).safeParse(patch);
  const applied = steps.success ? applyJsonPatch(doc, steps.data, { left: OPERATION_VALUES_MAX }) : undefined;
  return applied?.ok ? applied.value : undefined;
}

describe("json-patch-test-suite", () => {
  it("is complete", () => {
    expect(cases).toHaveLength(93);
  });

  it.each(cases)("$name", ({ doc, patch, expected, error }) => {
    const value = patched(doc, patch);
    if (error !== undefined) expect(value).toBeUndefined();
    else expect(value !== undefined && jsonEqual(value, expected ?? doc)).toBe(true);
  });
});
