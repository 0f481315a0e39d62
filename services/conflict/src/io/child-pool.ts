import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setPriority } from "node:os";
import type { Logger } from "@syncline/kit/telemetry";
import { readCpuMs } from "./cpu-time.ts";

/** Time for a process to start and load its modules. */
const START = { waitMsMax: 30_000 };
/** Niceness of the processes. They run below the service itself, which must answer whatever they do. */
const PRIORITY = 5;

/**
 * An answer, or the reason for which there is none: `costly` if it took too much CPU time, `hung` if it took too long
 * without, `ended` if its process ended, `unstarted` if no process could be started, `busy` if too many questions wait.
 */
export type Heard<Answer> =
  Answer | { readonly kind: "ready" | "costly" | "hung" | "ended" | "unstarted" | "busy" };

/** Limits on the time of one question. */
export interface TimeLimits {
  readonly waitMsMax: number;
  /** Limit on CPU time, which does not depend on the machine's other load. Default: none. */
  readonly cpuMsMax?: number;
}

/** Child processes that each answer one question at a time. */
export interface ChildPool<Question, Answer> {
  readonly ask: (question: Question, limits: TimeLimits) => Promise<Heard<Answer>>;
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
 * Creates a pool. A process that exceeds a limit of its question is killed, even in an endless loop; the time starts
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
    async ask(question, limits) {
      if (busy >= processesMax) {
        if (waiting.length >= waitingMax) return { kind: "busy" };
        // A finished question passes its turn on.
        await new Promise<void>((resolve) => waiting.push(resolve));
      } else busy += 1;
      try {
        return await askChild(question, limits);
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

  async function askChild(question: Question, limits: TimeLimits): Promise<Heard<Answer>> {
    const [waitingChild] = idle;
    const child = waitingChild ?? startChild();
    idle.delete(child);
    if (waitingChild === undefined) {
      const started = await hear<Answer>(child, START);
      if (!("kind" in started) || started.kind !== "ready") return { kind: "unstarted" };
    }
    const answer = hear<Answer>(child, limits);
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

/** Waits for the next message of a process. A process that exceeds a limit first is killed. */
async function hear<Answer>(child: ChildProcess, limits: TimeLimits): Promise<Heard<Answer>> {
  const { promise, resolve } = Promise.withResolvers<Heard<Answer>>();
  const onMessage = (message: unknown) => {
    resolve(message as Answer);
  };
  const onEnd = () => {
    resolve({ kind: "ended" });
  };
  child.once("message", onMessage).once("exit", onEnd).once("error", onEnd);
  let exceeded = false;
  const stopWatching = watchLimits(child, limits, (kind) => {
    exceeded = true;
    resolve({ kind });
  });
  const heard = await promise;
  stopWatching();
  child.off("message", onMessage).off("exit", onEnd).off("error", onEnd);
  if (exceeded) await end(child);
  return heard;
}

/** Calls back once a process exceeds a limit. The returned function ends the watch. */
function watchLimits(
  { pid = -1 }: ChildProcess,
  { waitMsMax, cpuMsMax = Infinity }: TimeLimits,
  onExcess: (kind: "costly" | "hung") => void,
): () => void {
  const cpuMsBefore = readCpuMs(pid) ?? 0;
  const hungAtMs = performance.now() + waitMsMax;
  const look = () => {
    const waitMsLeft = hungAtMs - performance.now();
    // An ended process emits an event of its own.
    const cpuMsLeft = cpuMsBefore + cpuMsMax - (readCpuMs(pid) ?? 0);
    if (cpuMsLeft <= 0) onExcess("costly");
    else if (waitMsLeft <= 0) onExcess("hung");
    else timer = setTimeout(look, Math.ceil(Math.min(waitMsLeft, cpuMsLeft)));
  };
  let timer = setTimeout(look, Math.min(waitMsMax, cpuMsMax));
  return () => {
    clearTimeout(timer);
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
