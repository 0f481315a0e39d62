import { createCounter, type Logger } from "@syncline/runtime";
import { policyOf, type Policies, type ResolveCase } from "@syncline/shared";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { HookReport } from "../core/merge-conflict.ts";
import type { HookMessage } from "./run-hook-messages.ts";

const TIMEOUT_MS_DEFAULT = 1_000;
/** For a process to start and to load the policies, which the service itself has loaded before. */
const START_TIMEOUT_MS = 30_000;
/**
 * Four documents as large as may be, and what a hook makes of them, take less than half. What is young is bounded, too, or
 * it may take more than the rest.
 */
const HEAP_FLAGS = ["--max-old-space-size=128", "--max-semi-space-size=4"];
const INSIDE = fileURLToPath(new URL(`./run-hook-process${extname(import.meta.url)}`, import.meta.url));

/** What is heard of a process: `hung` where its time is over. */
type Heard = HookMessage | { readonly kind: "hung" | "ended" };

/** Asks hooks, each in a process of its own, so that none can stop the service or another hook. */
export interface HookRunner {
  readonly ask: (on: ResolveCase) => Promise<HookReport>;
  readonly close: () => Promise<void>;
}

/**
 * A hook that hangs, be it in a loop, is ended with its process when its time is over; the time starts when the process
 * is ready. One whose hook has answered waits for the next case: there are as many as were ever needed at once.
 *
 * Worker threads would be lighter, but one that runs out of memory can take the whole process along, in spite of
 * `resourceLimits`, and the conflict that did it would do it again after every start.
 *
 * @param options - `file`: the module of the policies, which every process loads by itself
 */
export function createHookRunner(
  { policies, log }: { policies: Policies; log: Logger },
  { file }: { file: string },
): HookRunner {
  const children = new Set<ChildProcess>();
  const idle = new Set<ChildProcess>();
  const outcomes = ["answered", "nonsense", "threw", "hung", "ended"];
  const calls = createCounter(
    "syncline.hook.calls",
    "Calls of the policies' hooks, by what they came to; all but answered are failures",
    "{call}",
    outcomes.map((outcome) => ({ "syncline.hook.outcome": outcome })),
  );

  return {
    async ask(on) {
      const heard = await askChild(on);
      const { workspaceId, collection, conflictId, round } = on.context;
      calls.add(1, { "syncline.hook.outcome": heard.kind });
      if (heard.kind === "answered") return heard;
      const { kind: failure, ...where } = heard;
      log.warn(
        { workspaceId, collection, conflictId, round, failure, ...where },
        "a hook failed, so the strategy decides",
      );
      return { kind: "failed" };
    },
    async close() {
      await Promise.all([...children].map(end));
    },
  };

  async function askChild(on: ResolveCase): Promise<Heard> {
    const { resolveTimeoutMs = TIMEOUT_MS_DEFAULT } = policyOf(policies, on.context.collection);
    const [waiting] = idle;
    const child = waiting ?? startChild();
    idle.delete(child);
    if (waiting === undefined) {
      const started = await hear(child, START_TIMEOUT_MS);
      if (started.kind !== "ready") return started;
    }
    const answer = hear(child, resolveTimeoutMs);
    // One that cannot be sent to has ended, and is heard to.
    child.send(on, () => {});
    const heard = await answer;
    if (children.has(child) && heard.kind !== "hung") idle.add(child);
    return heard;
  }

  function startChild(): ChildProcess {
    const child = fork(INSIDE, [file], {
      serialization: "advanced",
      execArgv: [...process.execArgv, ...HEAP_FLAGS],
    });
    children.add(child);
    child.on("error", (error) => {
      // One that never started never exits.
      if (child.pid === undefined) children.delete(child);
      log.warn({ err: error }, "a process for hooks failed");
    });
    child.once("exit", () => {
      children.delete(child);
      idle.delete(child);
    });
    return child;
  }
}

/** The next thing that a process says. One that says nothing in time is ended. */
async function hear(child: ChildProcess, timeoutMs: number): Promise<Heard> {
  const { promise, resolve } = Promise.withResolvers<Heard>();
  const onMessage = (message: unknown) => {
    resolve(message as HookMessage);
  };
  const onEnd = () => {
    resolve({ kind: "ended" });
  };
  child.once("message", onMessage).once("exit", onEnd).once("error", onEnd);
  const timer = setTimeout(() => {
    resolve({ kind: "hung" });
  }, timeoutMs);
  const heard = await promise;
  clearTimeout(timer);
  child.off("message", onMessage).off("exit", onEnd).off("error", onEnd);
  if (heard.kind === "hung") await end(child);
  return heard;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
