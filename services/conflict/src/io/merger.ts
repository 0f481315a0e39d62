import { createCounter, type Logger } from "@syncline/kit/telemetry";
import { Problem } from "@syncline/shared/protocol";
import { sizeOf } from "@syncline/shared/document";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { giveUp, runTask, type MergeTask, type TaskOutcomes } from "../core/run-task.ts";
import { createChildPool, type TimeLimits } from "./child-pool.ts";

/** The message of a process that runs tasks. */
export type TaskMessage = { readonly kind: "done"; readonly outcome: TaskOutcomes[MergeTask["kind"]] };

/** Runs tasks on conflicts. A task that exceeds its CPU time or memory is given up, with an outcome that says so. */
export interface Merger {
  /** @throws Problem `overloaded` if too many tasks wait, or the machine is too busy to run this one in time */
  readonly run: <T extends MergeTask>(task: T) => Promise<TaskOutcomes[T["kind"]]>;
  readonly close: () => Promise<void>;
}

const INSIDE = fileURLToPath(new URL(`./run-task-process${extname(import.meta.url)}`, import.meta.url));
/** Heap for documents of the largest size, a run of 16 MiB, and the result of each strategy. */
const HEAP_FLAGS = ["--max-old-space-size=256", "--max-semi-space-size=8"];
/** The reasons for which a task did not run to its end although it is not costly. */
const NOT_ITS_FAULT = {
  busy: "Too many merges wait",
  unstarted: "No process could be started for the merge",
  hung: "The merge did not get enough CPU time",
};
/** Limits of a small task. Smaller ones take a few milliseconds and run in the service's own process. */
const SMALL = { values: 2_000, bytes: 32 * 1024, operations: 20 };

/**
 * Creates a merger. Small tasks run in the service's process, all others in child processes, so that none keeps the
 * service from answering `/healthz`. The cost of a merge is already bounded; if a merge still takes longer, its process
 * is killed. Only CPU time counts against a merge: a busy machine must not leave it to a person.
 */
export function createMerger({
  processesMax,
  waitingMax,
  limits,
  log,
}: {
  processesMax: number;
  waitingMax: number;
  limits: Required<TimeLimits>;
  log: Logger;
}): Merger {
  const pool = createChildPool<MergeTask, TaskMessage>({
    module: INSIDE,
    args: [],
    heapFlags: HEAP_FLAGS,
    processesMax,
    waitingMax,
    log,
  });
  const givenUp = createCounter(
    "syncline.merge.given_up",
    "Merges given up because they exceeded their CPU time or memory",
    "{merge}",
    ["costly", "ended"].map((outcome) => ({ "syncline.merge.outcome": outcome })),
  );

  return {
    async run<T extends MergeTask>(task: T): Promise<TaskOutcomes[T["kind"]]> {
      if (isSmall(task)) return runTask(task) as TaskOutcomes[T["kind"]];
      let heard = await pool.ask(task, limits);
      // The process may have been killed from outside, and not because of the task.
      if (heard.kind === "ended") heard = await pool.ask(task, limits);
      if (heard.kind === "done") return heard.outcome as TaskOutcomes[T["kind"]];
      if (heard.kind in NOT_ITS_FAULT) {
        const detail = `${NOT_ITS_FAULT[heard.kind as keyof typeof NOT_ITS_FAULT]}; send the request again after Retry-After`;
        throw new Problem("overloaded", { retryAfterSeconds: 1, detail });
      }
      givenUp.add(1, { "syncline.merge.outcome": heard.kind });
      const { workspaceId, conflictId } = task.on.conflict;
      log.warn({ workspaceId, conflictId, task: task.kind, failure: heard.kind }, "merge given up");
      return giveUp(task) as TaskOutcomes[T["kind"]];
    },
    close: () => pool.close(),
  };
}

function isSmall({ on: { conflict, remote, history } }: MergeTask): boolean {
  if (conflict.operations.length > SMALL.operations) return false;
  const held = conflict.operations.flatMap(({ data, patch, ancestor }) => [data, patch, ancestor]);
  const versions = history.changes.map(({ data }) => data);
  const documents = [conflict.ancestor, conflict.deviceView, remote.data, ...versions, ...held];
  const sizes = documents.map((document) => sizeOf(document ?? null));
  const sum = (of: "values" | "bytes") => sizes.reduce((total, size) => total + size[of], 0);
  return sum("values") <= SMALL.values && sum("bytes") <= SMALL.bytes;
}
