// The load process: `fork`ed, and controlled by messages.
import { quantilesOf } from "../measure/quantiles.ts";
import { TARGETS } from "../targets/index.ts";
import type { PreparedRequest, Target } from "../targets/target.ts";
import { createRandom, type Random } from "../workload/random.ts";
import { Work } from "../workload/workload.ts";
import type { Connect, LoadAnswer, LoadRequest, LoadResult, RunClosed, RunOpen } from "./messages.ts";

interface Ready {
  readonly send: PreparedRequest;
  readonly operations: number;
}

class Load {
  readonly #target: Target;
  readonly #work: Work;
  readonly #connections: number;
  readonly #random: Random;
  /** Prepared requests by connection, made before the clock runs. The next run starts with the unsent ones. */
  readonly #ready: Ready[][];

  constructor(target: Target, { shape, ground, work, seed }: Connect) {
    this.#target = target;
    this.#connections = shape.connections;
    this.#random = createRandom(seed + 1);
    this.#work = new Work({
      ground,
      kind: work,
      seed,
      connections: shape.connections,
      batchOperations: shape.operations,
    });
    this.#ready = Array.from({ length: shape.connections }, () => []);
  }

  prepare(requests: number): void {
    const each = Math.ceil(requests / this.#connections);
    for (const [connection, ready] of this.#ready.entries()) {
      while (ready.length < each) ready.push(this.#make(connection));
    }
  }

  async runClosed({ durationMs }: RunClosed): Promise<LoadResult> {
    const tally = new Tally();
    const runConnection = async (connection: number) => {
      while (performance.now() - tally.startMs < durationMs) {
        const startMs = performance.now();
        const operations = await this.#send(connection);
        tally.add(operations, performance.now() - startMs);
      }
    };
    await Promise.all(this.#ready.map((_, connection) => runConnection(connection)));
    return tally.result();
  }

  /**
   * Measures latency from a request's due time, including the wait for a free connection, so that slow answers count
   * fully.
   */
  async runOpen({ durationMs, requestsPerSecond }: RunOpen): Promise<LoadResult> {
    const tally = new Tally();
    const free = this.#ready.map((_, connection) => connection);
    const waiting: number[] = [];
    let underWay = 0;
    let nextMs = tally.startMs;
    await new Promise<void>((resolve, reject) => {
      const answerOne = async (connection: number, cameMs: number) => {
        const operations = await this.#send(connection);
        tally.add(operations, performance.now() - cameMs);
        free.push(connection);
        underWay--;
        startWaiting();
      };
      const startWaiting = () => {
        while (free.length > 0 && waiting.length > 0) {
          underWay++;
          answerOne(free.shift() ?? 0, waiting.shift() ?? 0).catch(reject);
        }
        if (underWay === 0 && nextMs - tally.startMs > durationMs) resolve();
      };
      const tick = () => {
        const nowMs = performance.now();
        for (
          ;
          nextMs <= nowMs && nextMs - tally.startMs <= durationMs;
          nextMs += this.#pauseMs(requestsPerSecond)
        ) {
          waiting.push(nowMs);
        }
        startWaiting();
        if (nextMs - tally.startMs <= durationMs) setTimeout(tick, Math.max(0, nextMs - performance.now()));
      };
      tick();
    });
    return tally.result();
  }

  /** A random pause between two independent requests. */
  #pauseMs(requestsPerSecond: number): number {
    return (-Math.log(1 - this.#random()) * 1_000) / requestsPerSecond;
  }

  #make(connection: number): Ready {
    const batch = this.#work.next(connection);
    return { send: this.#target.prepare(batch, connection), operations: batch.operations.length };
  }

  async #send(connection: number): Promise<number> {
    const { send, operations } = this.#ready[connection]?.shift() ?? this.#make(connection);
    await send();
    return operations;
  }
}

class Tally {
  readonly startMs = performance.now();
  readonly #latenciesMs: number[] = [];
  #operations = 0;
  #endMs = this.startMs;

  add(operations: number, latencyMs: number): void {
    this.#operations += operations;
    this.#latenciesMs.push(latencyMs);
    this.#endMs = performance.now();
  }

  result(): LoadResult {
    return {
      requests: this.#latenciesMs.length,
      operations: this.#operations,
      elapsedMs: this.#endMs - this.startMs,
      latencyMs: quantilesOf(this.#latenciesMs),
    };
  }
}

let load: Load | undefined;

async function take(request: LoadRequest): Promise<LoadResult | undefined> {
  if (request.do === "connect") {
    const { url, own, shape } = request;
    const target = await TARGETS[request.target]({ url, own, connections: shape.connections });
    load = new Load(target, request);
    return undefined;
  }
  if (load === undefined) throw new Error("not connected");
  if (request.do === "prepare") {
    load.prepare(request.requests);
    return undefined;
  }
  return request.do === "run closed" ? load.runClosed(request) : load.runOpen(request);
}

process.on("message", (request: LoadRequest) => {
  take(request)
    .then(
      (result): LoadAnswer => ({ ok: true, result }),
      (error: unknown): LoadAnswer => ({
        ok: false,
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
    )
    .then((answer) => process.send?.(answer))
    .catch(() => process.exit(1));
});
process.on("disconnect", () => process.exit(0));
