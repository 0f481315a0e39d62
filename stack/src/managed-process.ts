import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findReason } from "./log-reason.ts";
import { forgetProcess, recordProcess, STOP_STEP_MS } from "./process-records.ts";
import { StackError } from "./stack-error.ts";
import type { SystemUser } from "./unprivileged-user.ts";

/** Describes how to start a program, detect its readiness and stop it. */
export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** The user to run it as; by default the current one. */
  readonly user?: SystemUser | undefined;
  /** Sent one after the other until the process ends, the mildest first. */
  readonly stopSignals: readonly NodeJS.Signals[];
  /**
   * Returns the reason why the process is not ready, `undefined` once it is. Called repeatedly; an error ends the wait.
   */
  whyNotReady(): Promise<string | undefined>;
}

/** The time limit for readiness of a live process: the speed of a start depends on the machine's other load. */
const READY_MINUTES_MAX = 10;
const READY_POLL_MS_MIN = 30;
const READY_POLL_MS_MAX = 100;
/** The wait after which a slow start is reported, and again each time the wait has doubled. */
const REMARK_MS = 10_000;
const LOG_BYTES_MAX = 20_000_000;
const LOG_TAIL_LINES = 12;

/**
 * A program that can be restarted. Its output goes to `<name>.log`, and it runs in its own session, so that Ctrl-C in a
 * terminal reaches only this process, which decides the order of stopping.
 *
 * Not built on `execa`: its only way to stop is one signal and then SIGKILL, which Postgres must not get, and it knows
 * neither records for the next run nor readiness. It would replace ten lines of this class.
 */
export class ManagedProcess {
  readonly name: string;
  readonly logPath: string;
  readonly #home: string;
  readonly #spec: ProcessSpec;
  #child: ChildProcess | undefined;
  #ended: Promise<string> = Promise.resolve("was never started");
  /** The offset of this run's output in the log. */
  #logStart = 0;

  /** @param home - the folder in which the process is recorded while it runs */
  constructor(home: string, spec: ProcessSpec, logFolder = join(home, "logs")) {
    this.name = spec.name;
    this.logPath = join(logFolder, `${spec.name}.log`);
    this.#home = home;
    this.#spec = spec;
  }

  /** The process id while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when the process has ended, with `exit code 1`, `signal SIGKILL` or the like. */
  get ended(): Promise<string> {
    return this.#ended;
  }

  /**
   * Starts the program and waits until it is ready, for as long as it lives and within {@link READY_MINUTES_MAX}.
   *
   * @param say - called with a line and the reason if the start is slow
   * @throws {@link StackError} with the reason from this run's log, if the program ends first or takes too long; no
   *   process is left running then
   */
  async start(say: (line: string) => void = () => undefined): Promise<void> {
    const { command, args, cwd, env, user } = this.#spec;
    const log = openLog(this.logPath);
    this.#logStart = fstatSync(log).size;
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", log, log], ...user });
    closeSync(log);
    const { pid } = child;
    if (pid === undefined) {
      const [error] = (await once(child, "error")) as [Error];
      throw new StackError(`${this.name} could not be started (${command}): ${error.message}`);
    }
    // From here on stop() ends the process, whatever fails below.
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#child = undefined;
        forgetProcess(this.#home, pid);
        resolve(signal === null ? `exit code ${code}` : `signal ${signal}`);
      });
    });
    try {
      recordProcess(this.#home, { name: this.name, pid, stopSignals: this.#spec.stopSignals });
      await this.#waitUntilReady(say);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** True if it runs and is ready. */
  async isReady(): Promise<boolean> {
    return this.#child !== undefined && (await this.#spec.whyNotReady()) === undefined;
  }

  /** Sends a signal and waits for the end. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.#child?.kill(signal);
    await this.#ended;
  }

  /** Sends the mildest stop signal without waiting: an exiting process can do no more. */
  abandon(): void {
    this.#child?.kill(this.#spec.stopSignals[0]);
  }

  /** Stops the program, with the mildest signal first. Does nothing if it has ended. */
  async stop(): Promise<void> {
    for (const signal of this.#spec.stopSignals) {
      if (this.#child === undefined) return;
      this.#child.kill(signal);
      const timer = new AbortController();
      await Promise.race([this.#ended, delay(STOP_STEP_MS, undefined, { signal: timer.signal, ref: false })]);
      timer.abort();
    }
    await this.#ended;
  }

  /** Stops the program if it runs, and starts it again. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Explains an end: the reason from this run's log, otherwise its last lines. */
  explain(): string {
    const log = this.#readLog();
    const reason = findReason(log);
    if (reason !== undefined) return `${reason}\n(its log: ${this.logPath})`;
    const lines = log.trimEnd().split("\n").slice(-LOG_TAIL_LINES);
    return `The end of ${this.logPath}:\n${lines.map((line) => `    ${line}`).join("\n")}`;
  }

  /** The output of this run, or the reason why the log cannot be read. */
  #readLog(): string {
    try {
      return readFileSync(this.logPath).subarray(this.#logStart).toString();
    } catch (error) {
      return `(it cannot be read: ${String(error)})`;
    }
  }

  async #waitUntilReady(say: (line: string) => void): Promise<void> {
    let end: string | undefined;
    void this.#ended.then((how) => (end = how));
    const startedAtMs = Date.now();
    let remarkAfterMs = REMARK_MS;
    for (let pollMs = READY_POLL_MS_MIN; ; pollMs = Math.min(pollMs * 1.5, READY_POLL_MS_MAX)) {
      const missing = await this.#spec.whyNotReady();
      if (end !== undefined) throw this.#complain(`ended before it was ready (${end})`);
      if (missing === undefined) return;
      const waitedMs = Date.now() - startedAtMs;
      if (waitedMs > READY_MINUTES_MAX * 60_000) {
        throw this.#complain(
          `was not ready within ${READY_MINUTES_MAX} minutes and was stopped (${missing})`,
        );
      }
      if (waitedMs > remarkAfterMs) {
        say(`Waiting for ${this.name}, ${Math.round(waitedMs / 1_000)} s so far: ${missing}.`);
        remarkAfterMs = 2 * waitedMs;
      }
      await delay(pollMs);
    }
  }

  #complain(what: string): StackError {
    return new StackError(`${this.name} ${what}. ${this.explain()}`);
  }
}

function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_BYTES_MAX) renameSync(path, `${path}.old`);
  return openSync(path, "a");
}
