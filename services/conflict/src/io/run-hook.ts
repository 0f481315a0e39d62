import { createCounter, type Logger } from "@syncline/kit/telemetry";
import { policyOf, type Policies, type ResolveCase } from "@syncline/shared/merge";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { HookReport } from "../core/merge-conflict.ts";
import { createChildPool } from "./child-pool.ts";
import type { HookMessage } from "./run-hook-messages.ts";

const TIMEOUT_MS_DEFAULT = 1_000;
/**
 * Heap limits. Four documents of the largest size and a hook's work on them take less than half of it. The young
 * generation is bounded as well, or it may take more than the rest.
 */
const HEAP_FLAGS = ["--max-old-space-size=128", "--max-semi-space-size=4"];
const INSIDE = fileURLToPath(new URL(`./run-hook-process${extname(import.meta.url)}`, import.meta.url));

/** Calls hooks in child processes, so that no hook can stop the service or another hook. */
export interface HookRunner {
  readonly ask: (on: ResolveCase) => Promise<HookReport>;
  readonly close: () => Promise<void>;
}

/**
 * Creates a runner. A hook that exceeds its time is killed with its process.
 *
 * @param options - `file`: the module of the policies, which each process loads by itself
 */
export function createHookRunner(
  { policies, log }: { policies: Policies; log: Logger },
  { file }: { file: string },
): HookRunner {
  const pool = createChildPool<ResolveCase, HookMessage>({
    module: INSIDE,
    args: [file],
    heapFlags: HEAP_FLAGS,
    // Bounded by the number of cases that are asked at once.
    processesMax: Infinity,
    waitingMax: 0,
    log,
  });
  const outcomes = ["answered", "nonsense", "threw", "hung", "ended", "unstarted"];
  const calls = createCounter(
    "syncline.hook.calls",
    "Calls of the policies' hooks by outcome; every outcome except answered is a failure",
    "{call}",
    outcomes.map((outcome) => ({ "syncline.hook.outcome": outcome })),
  );

  return {
    async ask(on) {
      const { resolveTimeoutMs = TIMEOUT_MS_DEFAULT } = policyOf(policies, on.context.collection);
      const heard = await pool.ask(on, { waitMsMax: resolveTimeoutMs });
      const { workspaceId, collection, conflictId, round } = on.context;
      calls.add(1, { "syncline.hook.outcome": heard.kind });
      if (heard.kind === "answered") return heard;
      const { kind: failure, ...where } = heard;
      log.warn(
        { workspaceId, collection, conflictId, round, failure, ...where },
        "hook failed, so the strategy decides",
      );
      return { kind: "failed" };
    },
    close: () => pool.close(),
  };
}
