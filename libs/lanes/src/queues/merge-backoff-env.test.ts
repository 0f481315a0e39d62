import { expect, it } from "vitest";
import { z } from "zod";
import { readEnv } from "@syncline/kit/process";
import { mergeBackoffEnv, mergeBackoffOf } from "./merge-backoff-env.ts";

const read = (env: NodeJS.ProcessEnv) => mergeBackoffOf(readEnv(z.object(mergeBackoffEnv), env));

it("reads the backoff of merges, with a default", () => {
  expect(read({})).toEqual({ backoffMsMin: 1_000, backoffMsMax: 300_000 });
  expect(read({ MERGE_BACKOFF_MS_MIN: "20", MERGE_BACKOFF_MS_MAX: "500" })).toEqual({
    backoffMsMin: 20,
    backoffMsMax: 500,
  });
});

it("rejects a minimum above the maximum, and a minimum of 0", () => {
  const crossed = "MERGE_BACKOFF_MS_MIN must not be greater than MERGE_BACKOFF_MS_MAX";
  expect(() => read({ MERGE_BACKOFF_MS_MAX: "999" })).toThrow(crossed);
  expect(() => read({ MERGE_BACKOFF_MS_MIN: "501", MERGE_BACKOFF_MS_MAX: "500" })).toThrow(crossed);
  expect(() => read({ MERGE_BACKOFF_MS_MIN: "0" })).toThrow("MERGE_BACKOFF_MS_MIN is not usable");
});
