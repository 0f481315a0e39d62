import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Connect, LoadAnswer, LoadRequest, LoadResult } from "./messages.ts";

/** The measuring process's handle of the load process. */
export class LoadProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(connect: Omit<Connect, "do">): Promise<LoadProcess> {
    const load = new LoadProcess(
      fork(fileURLToPath(new URL("main.ts", import.meta.url)), { stdio: "inherit" }),
    );
    await load.#ask({ do: "connect", ...connect });
    return load;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async prepare(requests: number): Promise<void> {
    await this.#ask({ do: "prepare", requests });
  }

  async runClosed(durationMs: number): Promise<LoadResult> {
    return required(await this.#ask({ do: "run closed", durationMs }));
  }

  async runOpen(durationMs: number, requestsPerSecond: number): Promise<LoadResult> {
    return required(await this.#ask({ do: "run open", durationMs, requestsPerSecond }));
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.disconnect();
    await ended;
  }

  async #ask(request: LoadRequest): Promise<LoadResult | undefined> {
    const stopped = new AbortController();
    const ended = once(this.#child, "exit", { signal: stopped.signal }).then(() => {
      throw new Error("the load process ended");
    });
    const answered = once(this.#child, "message", { signal: stopped.signal }) as Promise<[LoadAnswer]>;
    this.#child.send(request);
    try {
      const [answer] = await Promise.race([answered, ended]);
      if (!answer.ok) throw new Error(`the load got a wrong answer: ${answer.message}`);
      return answer.result;
    } finally {
      stopped.abort();
      await Promise.allSettled([answered, ended]);
    }
  }
}

function required(result: LoadResult | undefined): LoadResult {
  if (result === undefined) throw new Error("the load process sent no result");
  return result;
}
