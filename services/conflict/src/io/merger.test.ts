import { createLogger } from "@syncline/kit/telemetry";
import { RUN_TOO_COSTLY } from "@syncline/shared/operations";
import { Problem } from "@syncline/shared/protocol";
import { expect, onTestFinished, test } from "vitest";
import { caseOf } from "../testing/costly-case.ts";
import { createMerger } from "./merger.ts";

/** Large enough to run in a process of its own. */
const ROUND = {
  kind: "merge",
  on: caseOf({ operations: 25, times: 45 }),
  roundsMax: 8,
  policy: {},
  hasHook: false,
  reports: [],
} as const;

function runWithin(limits: { cpuMsMax: number; waitMsMax: number }) {
  const log = createLogger({ service: "test", level: "fatal" });
  const merger = createMerger({ processesMax: 1, waitingMax: 0, limits, log });
  onTestFinished(() => merger.close());
  return merger.run(ROUND);
}

test("a merge that takes more CPU time than the limit is left to a person", async () => {
  const { resolution } = (await runWithin({ cpuMsMax: 0, waitMsMax: 60_000 })) as never;
  expect(resolution).toMatchObject({ outcome: { kind: "park", reason: RUN_TOO_COSTLY } });
});

test("a merge that gets no CPU time is tried again later, and not left to a person", async () => {
  const late = runWithin({ cpuMsMax: 60_000, waitMsMax: 0 });
  await expect(late).rejects.toThrow(Problem);
  await expect(late).rejects.toMatchObject({ type: "overloaded", details: { retryAfterSeconds: 1 } });
});
