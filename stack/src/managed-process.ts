import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { forgetProcess, recordProcess } from "./process-records.ts";
import { StackError } from "./stack-error.ts";
import type { SystemUser } from "./unprivileged-user.ts";

/** How to start a program, to know that it is ready, and to stop it. */
export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Whom to run it as; left out, as ourselves. */
  readonly user?: SystemUser | undefined;
  /** Sent one after the other until the process ends, the kindest first. */
  readonly stopSignals: readonly NodeJS.Signals[];
  readonly readyTimeoutMs: number;
  /** Asked again and again until it says yes; what it throws ends the wait. */
  isReady(): Promise<boolean>;
}

const READY_POLL_MS = 30;
const STOP_STEP_MS = 10_000;
const LOG_BYTES_MAX = 20_000_000;
const LOG_TAIL_LINES = 12;

/**
 * One program, startable again after it ended. Its output goes to `<name>.log`, and it runs in
 * a session of its own, so that Ctrl-C in a terminal reaches us alone and we decide what stops when.
 */
export class ManagedProcess {
  readonly name: string;
  readonly logPath: string;
  readonly #home: string;
  readonly #spec: ProcessSpec;
  #child: ChildProcess | undefined;
  #ended: Promise<string> = Promise.resolve("was never started");

  /** @param home - the folder in which the process is noted while it runs. */
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

  /** Resolves when the process has ended, with how: `exit code 1`, `signal SIGKILL`. */
  get ended(): Promise<string> {
    return this.#ended;
  }

  /**
   * Starts the program and waits until it is ready.
   *
   * @throws {@link StackError} with the last lines of its log, when it ends first or takes too long (it is stopped then).
   */
  async start(): Promise<void> {
    const { command, args, cwd, env, user, stopSignals } = this.#spec;
    const log = openLog(this.logPath);
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", log, log], ...user });
    closeSync(log);
    const { pid } = child;
    if (pid === undefined) {
      const [error] = (await once(child, "error")) as [Error];
      throw new StackError(`${this.name} could not be started (${command}): ${error.message}`);
    }
    recordProcess(this.#home, { name: this.name, pid, stopSignals });
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        forgetProcess(this.#home, pid);
        this.#child = undefined;
        resolve(signal === null ? `exit code ${code}` : `signal ${signal}`);
      });
    });
    try {
      await this.#waitUntilReady();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Whether it runs and does its work now. */
  async isReady(): Promise<boolean> {
    return this.#child !== undefined && (await this.#spec.isReady());
  }

  /** Sends a signal and waits for the end. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.#child?.kill(signal);
    await this.#ended;
  }

  /** Stops the program, kindly first. Does nothing where it has ended. */
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

  /** Stops the program where it runs, and starts it again. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** The last lines it wrote, indented, for a message. */
  readLogTail(): string {
    const lines = readFileSync(this.logPath, "utf8").trimEnd().split("\n").slice(-LOG_TAIL_LINES);
    return lines.map((line) => `    ${line}`).join("\n");
  }

  async #waitUntilReady(): Promise<void> {
    let end: string | undefined;
    void this.#ended.then((how) => (end = how));
    const deadlineMs = Date.now() + this.#spec.readyTimeoutMs;
    while (!(await this.#spec.isReady())) {
      if (end !== undefined) throw this.#complain(`ended before it was ready (${end})`);
      if (Date.now() > deadlineMs) {
        throw this.#complain(`was not ready within ${this.#spec.readyTimeoutMs / 1_000} s and was stopped`);
      }
      await delay(READY_POLL_MS);
    }
    if (end !== undefined) throw this.#complain(`ended before it was ready (${end})`);
  }

  #complain(what: string): StackError {
    return new StackError(`${this.name} ${what}. The end of ${this.logPath}:\n${this.readLogTail()}`);
  }
}

function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_BYTES_MAX) renameSync(path, `${path}.old`);
  return openSync(path, "a");
}
