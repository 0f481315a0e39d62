import { createHash } from "node:crypto";
import { canonicalJson, type Json } from "@syncline/shared/document";
import { decisionPreviewSchema, laneEntrySchema } from "@syncline/shared/schemas";
import { expect, it } from "vitest";
import { z } from "zod";
import { batchStatusSchema } from "./streams/batch-status.ts";
import { conflictJobSchema } from "./queues/conflict-queue.ts";
import { drainJobSchema } from "./queues/drain-queue.ts";
import { changedSchema, repliesSchema, settledSchema } from "./replies.ts";
import { INTERNAL_WIRE_VERSIONS } from "./wire-version.ts";

const SCHEMAS = {
  laneEntry: laneEntrySchema,
  batchStatus: batchStatusSchema,
  drainJob: drainJobSchema,
  conflictJob: conflictJobSchema,
  replies: repliesSchema,
  settled: settledSchema,
  changed: changedSchema,
  decisionPreview: decisionPreviewSchema,
};

it("what processes exchange changes only with a note of its new version", () => {
  const shapes = Object.entries(SCHEMAS).map(([name, schema]) => [
    name,
    z.toJSONSchema(schema as z.ZodType, { unrepresentable: "any" }),
  ]);
  const shape = canonicalJson(JSON.parse(JSON.stringify(Object.fromEntries(shapes))) as Json);
  const fingerprint = createHash("sha256").update(shape).digest("hex").slice(0, 16);
  expect(INTERNAL_WIRE_VERSIONS.at(-1)?.fingerprint, "see wire-version.ts").toBe(fingerprint);
});
