import { extractTrace, injectTrace, inSpan, SpanKind, type Logger } from "@syncline/kit/telemetry";
import { laneAttributes, type LaneStreams } from "@syncline/lanes";
import type { ConflictJob, LaneWaker } from "@syncline/lanes/queues";
import { inWorkspaces } from "@syncline/store";
import { policyOf, type CollectionPolicy, type Policies, type ResolveCase } from "@syncline/shared/merge";
import { laneOf, type Resolution } from "@syncline/shared/protocol";
import type { ConflictCase, HookReport } from "../core/merge-conflict.ts";
import { plainPolicy } from "../core/run-task.ts";
import type { Merger } from "../io/merger.ts";
import type { PgConflicts } from "../io/pg-conflicts.ts";

interface Deps {
  conflicts: PgConflicts;
  lanes: LaneStreams;
  waker: LaneWaker;
  policies: Policies;
  merger: Pick<Merger, "run">;
  askHook: (on: ResolveCase) => Promise<HookReport>;
  log: Logger;
}

/**
 * Runs one round of a conflict: merges it and republishes the outcome to the lane. If the outcome of this round is
 * already on the lane, only the lane is woken. If two runs of a round overlap, one outcome is used.
 */
export function createRunRound(
  { conflicts, lanes, waker, policies, merger, askHook, log }: Deps,
  options: { laneCount: number; roundsMax: number },
): (job: ConflictJob) => Promise<void> {
  /** Merges, and calls the hook as often as the merge asks for it. */
  async function mergeRound(on: ConflictCase, policy: CollectionPolicy): Promise<Resolution> {
    const { roundsMax } = options;
    const task = { kind: "merge", on, roundsMax, policy: plainPolicy(policy) } as const;
    const hasHook = policy.resolve !== undefined;
    const reports: HookReport[] = [];
    for (;;) {
      const step = await merger.run({ ...task, hasHook, reports });
      if (step.kind === "merged") return step.resolution;
      reports.push(await askHook(step.asked));
    }
  }

  return ({ workspaceId, conflictId, round, trace }) => {
    const attributes = { "syncline.conflict_id": conflictId, "syncline.round": round };
    const processed = {
      "messaging.system": "bullmq",
      "messaging.destination.name": "conflict",
      "messaging.operation.name": "merge",
      "messaging.operation.type": "process",
    };
    return inSpan(
      "merge conflict",
      { parent: extractTrace(trace), kind: SpanKind.CONSUMER, attributes: { ...attributes, ...processed } },
      async (span) => {
        const lane = laneOf(workspaceId, options.laneCount);
        if (await lanes.hasResolution(lane, { conflictId, round })) return waker.wake(lane);
        const found = await inWorkspaces([workspaceId], () => conflicts.readCase(workspaceId, conflictId));
        if (found === undefined || found.conflict.status !== "open" || found.conflict.round !== round) return;
        const policy = policyOf(policies, found.conflict.collection);
        const resolution = await mergeRound(found, policy);
        const overlaps = resolution.outcome.overlaps.length;
        span.setAttributes({ "syncline.overlaps": overlaps, "syncline.outcome": resolution.outcome.kind });

        await inSpan(
          "republish",
          {
            kind: SpanKind.PRODUCER,
            attributes: { ...attributes, ...laneAttributes(lane, { name: "republish", type: "send" }) },
          },
          () => lanes.appendResolution(lane, resolution, injectTrace()),
        );
        await waker.wake(lane);
        log.debug(
          { workspaceId, conflictId, round, overlaps, outcome: resolution.outcome.kind },
          "conflict merged",
        );
      },
    );
  };
}
