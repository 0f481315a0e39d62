import { createCounter, Problem, type Logger } from "@syncline/runtime";
import { sizeOf } from "@syncline/shared";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { giveUp, runTask, type MergeTask, type TaskOutcomes } from "../core/run-task.ts";
import { createChildPool } from "./child-pool.ts";

/** The message of a process that merges. */
export type TaskMessage = { readonly kind: "done"; readonly outcome: TaskOutcomes[MergeTask["kind"]] };

/** Runs tasks on conflicts. A task that takes more than it may is given up, with an outcome that says so. */
export interface Merger {
  /** @throws Problem `overloaded` if too many wait, or no process could be started */
  readonly run: <T extends MergeTask>(task: T) => Promise<TaskOutcomes[T["kind"]]>;
  readonly close: () => Promise<void>;
}

const INSIDE = fileURLToPath(new URL(`./run-task-process${extname(import.meta.url)}`, import.meta.url));
/** Documents as large as may be, a run of 16 MiB, and what each strategy makes of them. */
const HEAP_FLAGS = ["--max-old-space-size=256", "--max-semi-space-size=8"];
/** Tasks with less to look at take a few milliseconds, and no process of their own. */
const SMALL = { values: 2_000, bytes: 32 * 1024, operations: 20 };

/**
 * Runs small tasks where it stands, and all others in processes beside the service, so that none keeps it from answering
 * `/healthz`. What a merge costs is bounded already; should one take longer all the same, its process is ended.
 */
export function createMerger({
  processesMax,
  waitingMax,
  timeoutMs,
  log,
}: {
  processesMax: number;
  waitingMax: number;
  timeoutMs: number;
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
    "Merges that were ended because they took too long or too much memory",
    "{merge}",
    ["hung", "ended"].map((outcome) => ({ "syncline.merge.outcome": outcome })),
  );

  return {
    async run<T extends MergeTask>(task: T): Promise<TaskOutcomes[T["kind"]]> {
      if (isSmall(task)) return runTask(task) as TaskOutcomes[T["kind"]];
      let heard = await pool.ask(task, timeoutMs);
      // It may have been ended from outside, and not by what it did.
      if (heard.kind === "ended") heard = await pool.ask(task, timeoutMs);
      if (heard.kind === "done") return heard.outcome as TaskOutcomes[T["kind"]];
      // Nothing is known of the merge itself then, so nobody is asked to decide in its place.
      if (heard.kind === "busy" || heard.kind === "unstarted") {
        const isBusy = heard.kind === "busy";
        const detail = isBusy ? "Too many merges wait for their turn" : "No process could be started for it";
        throw new Problem("overloaded", { retryAfterSeconds: 1, detail });
      }
      givenUp.add(1, { "syncline.merge.outcome": heard.kind });
      const { workspaceId, conflictId } = task.on.conflict;
      log.warn({ workspaceId, conflictId, task: task.kind, failure: heard.kind }, "gave up a merge");
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
