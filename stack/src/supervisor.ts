import { setTimeout as delay } from "node:timers/promises";
import { ManagedProcess } from "./managed-process.ts";
import type { ProcessSpec } from "./managed-process.ts";
import { messageOf, StackError } from "./stack-error.ts";

const BACKOFF_MS_MIN = 250;
const BACKOFF_MS_MAX = 10_000;
/** The time during which first starts that end with a timeout are repeated. */
const PATIENCE_MS = 10 * 60_000;
/** The uptime after which a process has recovered, and its backoff starts anew. */
const STEADY_MS = 30_000;

export interface SupervisorOptions {
  readonly home: string;
  /** Prints a line for the user at the terminal. */
  readonly say: (line: string) => void;
  /** Called after a process was restarted, with a new process id. */
  readonly onRestart: () => void;
}

/**
 * Keeps a set of processes running: restarts a process that ends by itself, with a growing backoff if it keeps ending.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #processes: ManagedProcess[] = [];
  readonly #watches: Promise<void>[] = [];
  readonly #stopping = new AbortController();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Starts a process, waits until it is ready, and supervises it from then on. */
  async start(spec: ProcessSpec): Promise<ManagedProcess> {
    if (this.#stopping.signal.aborted)
      throw new StackError(`${spec.name} was not started: everything is stopping.`);
    const managed = new ManagedProcess(this.#options.home, spec);
    this.#processes.push(managed);
    await this.#startPatiently(managed);
    this.#watches.push(this.#watch(managed));
    return managed;
  }

  /** Stops all processes concurrently, and leaves none running. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#processes.map((managed) => managed.stop()));
    await Promise.all(this.#watches);
    // A process that was about to be restarted may have started in the meantime.
    await Promise.all(this.#processes.map((managed) => managed.stop()));
  }

  /**
   * Starts a process, again after a timeout: a service exits if a store does not accept its connection in time, which
   * on a busy machine is neither's fault.
   */
  async #startPatiently(managed: ManagedProcess): Promise<void> {
    const { say } = this.#options;
    const giveUpAtMs = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        await managed.start(say);
        return;
      } catch (error) {
        const isLate = /time(d )?out/i.test(messageOf(error)) && Date.now() < giveUpAtMs;
        if (!isLate || this.#stopping.signal.aborted) throw error;
        say(`${messageOf(error)}\nStarting ${managed.name} again, because the machine may only be busy.`);
      }
    }
  }

  /** Signals all processes without waiting, for the exit of this process. */
  abandon(): void {
    for (const managed of this.#processes) managed.abandon();
  }

  async #watch(managed: ManagedProcess): Promise<void> {
    const { signal } = this.#stopping;
    const { say, onRestart } = this.#options;
    let backoffMs = BACKOFF_MS_MIN;
    let startedAtMs = Date.now();
    let problem: string | undefined;
    for (;;) {
      const how = problem ?? `${managed.name} ended (${await managed.ended}). ${managed.explain()}`;
      if (signal.aborted) return;
      if (Date.now() - startedAtMs > STEADY_MS) backoffMs = BACKOFF_MS_MIN;
      say(`${how}\nStarting ${managed.name} again in ${backoffMs / 1_000} s.`);
      await delay(backoffMs, undefined, { signal }).catch(() => undefined); // aborted: handled by the next line
      if (signal.aborted) return;
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX);
      startedAtMs = Date.now();
      try {
        await managed.start(say);
        problem = undefined;
        say(`${managed.name} is running again (process ${managed.pid}).`);
      } catch (error) {
        problem = messageOf(error);
        continue;
      }
      try {
        onRestart();
      } catch (error) {
        say(`The new process of ${managed.name} could not be recorded: ${messageOf(error)}`);
      }
    }
  }
}
