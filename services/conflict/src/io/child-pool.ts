import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setPriority } from "node:os";
import type { Logger } from "@syncline/kit/telemetry";

/** Time for a process to start and load its modules. */
const START_TIMEOUT_MS = 30_000;
/** Niceness of the processes. They run below the service itself, which must answer whatever they do. */
const PRIORITY = 5;

/**
 * An answer, or the reason for which there is none: `hung` after a timeout, `ended` if its process ended, `unstarted`
 * if no process could be started, `busy` if too many questions wait.
 */
export type Heard<Answer> = Answer | { readonly kind: "ready" | "hung" | "ended" | "unstarted" | "busy" };

/** Child processes that each answer one question at a time. */
export interface ChildPool<Question, Answer> {
  readonly ask: (question: Question, timeoutMs: number) => Promise<Heard<Answer>>;
  readonly close: () => Promise<void>;
}

export interface ChildPoolOptions {
  /** The module that the processes run, and its arguments. */
  readonly module: string;
  readonly args: readonly string[];
  readonly heapFlags: readonly string[];
  /** Limit on the processes; further questions wait. */
  readonly processesMax: number;
  readonly waitingMax: number;
  readonly log: Logger;
}

/**
 * Creates a pool. A process that exceeds the time of its question is killed, even in an endless loop; the time starts
 * when the process is ready. A process that has answered is kept for later questions, so the pool is as large as it was
 * ever needed at once.
 *
 * Worker threads would be lighter, but one that runs out of memory can take the whole process with it, in spite of
 * `resourceLimits`, and the same question would do so again after every start.
 */
export function createChildPool<Question extends object, Answer extends object>({
  module,
  args,
  heapFlags,
  processesMax,
  waitingMax,
  log,
}: ChildPoolOptions): ChildPool<Question, Answer> {
  const children = new Set<ChildProcess>();
  const idle = new Set<ChildProcess>();
  const waiting: (() => void)[] = [];
  let busy = 0;

  return {
    async ask(question, timeoutMs) {
      if (busy >= processesMax) {
        if (waiting.length >= waitingMax) return { kind: "busy" };
        // A finished question passes its turn on.
        await new Promise<void>((resolve) => waiting.push(resolve));
      } else busy += 1;
      try {
        return await askChild(question, timeoutMs);
      } finally {
        const next = waiting.shift();
        if (next === undefined) busy -= 1;
        else next();
      }
    },
    async close() {
      await Promise.all([...children].map(end));
    },
  };

  async function askChild(question: Question, timeoutMs: number): Promise<Heard<Answer>> {
    const [waitingChild] = idle;
    const child = waitingChild ?? startChild();
    idle.delete(child);
    if (waitingChild === undefined) {
      const started = await hear<Answer>(child, START_TIMEOUT_MS);
      if (!("kind" in started) || started.kind !== "ready") return { kind: "unstarted" };
    }
    const answer = hear<Answer>(child, timeoutMs);
    // A send fails only if the process has ended, which `hear` reports.
    child.send(question, () => {});
    const heard = await answer;
    if (children.has(child) && child.connected) idle.add(child);
    return heard;
  }

  function startChild(): ChildProcess {
    const child = fork(module, args, {
      serialization: "advanced",
      execArgv: [...process.execArgv, ...heapFlags],
    });
    children.add(child);
    child.on("error", (error) => {
      // A process that never started emits no exit event.
      if (child.pid === undefined) children.delete(child);
      log.warn({ err: error, module }, "child process failed");
    });
    child.once("spawn", () => {
      if (child.pid !== undefined) setPriority(child.pid, PRIORITY);
    });
    child.once("exit", () => {
      children.delete(child);
      idle.delete(child);
    });
    return child;
  }
}

/** Waits for the next message of a process. A process that sends none in time is killed. */
async function hear<Answer>(child: ChildProcess, timeoutMs: number): Promise<Heard<Answer>> {
  const { promise, resolve } = Promise.withResolvers<Heard<Answer>>();
  const onMessage = (message: unknown) => {
    resolve(message as Answer);
  };
  const onEnd = () => {
    resolve({ kind: "ended" });
  };
  child.once("message", onMessage).once("exit", onEnd).once("error", onEnd);
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    resolve({ kind: "hung" });
  }, timeoutMs);
  const heard = await promise;
  clearTimeout(timer);
  child.off("message", onMessage).off("exit", onEnd).off("error", onEnd);
  if (hung) await end(child);
  return heard;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
