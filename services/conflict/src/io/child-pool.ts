import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setPriority } from "node:os";
import type { Logger } from "@syncline/runtime";

/** For a process to start, and to load what it needs. */
const START_TIMEOUT_MS = 30_000;
/** Below the service itself, which has to answer whatever its processes do. */
const PRIORITY = 5;

/**
 * An answer; otherwise `hung` when its time was over, `ended` with its process, `unstarted` if no process could be started
 * for it, or `busy`: too many questions wait.
 */
export type Heard<Answer> = Answer | { readonly kind: "ready" | "hung" | "ended" | "unstarted" | "busy" };

/** Processes that answer one question after the other. */
export interface ChildPool<Question, Answer> {
  readonly ask: (question: Question, timeoutMs: number) => Promise<Heard<Answer>>;
  readonly close: () => Promise<void>;
}

export interface ChildPoolOptions {
  /** The module that the processes run, and what it is told at its start. */
  readonly module: string;
  readonly args: readonly string[];
  readonly heapFlags: readonly string[];
  /** Most that run at once: so many further questions wait. */
  readonly processesMax: number;
  readonly waitingMax: number;
  readonly log: Logger;
}

/**
 * A process that takes too long, be it in a loop, is ended when the time of its question is over; the time starts when the
 * process is ready. One that has answered waits for the next question: there are as many as were ever needed at once.
 *
 * Worker threads would be lighter, but one that runs out of memory can take the whole process along, in spite of
 * `resourceLimits`, and the question that did it would do it again after every start.
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
        // Whoever is done hands its turn on.
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
    // One that cannot be sent to has ended, and is heard to.
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
      // One that never started never exits.
      if (child.pid === undefined) children.delete(child);
      log.warn({ err: error, module }, "a process beside the service failed");
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

/** The next thing that a process says. One that says nothing in time is ended. */
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
