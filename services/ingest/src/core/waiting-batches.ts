import {
  isFinal,
  operationKey,
  type OperationResult,
  type BatchId,
  type DeviceId,
  type WorkspaceId,
} from "@syncline/shared/protocol";

/** A batch that a request waits for. */
export interface WaitingBatch {
  workspaceId: WorkspaceId;
  deviceId: DeviceId;
  batchId: BatchId;
}

interface Waiter extends WaitingBatch {
  results: OperationResult[] | undefined;
  finish: () => void;
}

/** A wait: `results` resolves to the results known when it ends, or to `undefined` if no reply came. */
export interface Wait {
  results: Promise<OperationResult[] | undefined>;
  /** Ends the wait early, with the results known so far. */
  cancel(): void;
}

/**
 * The requests of this process that wait for the results of their batches, fed by replies. Replies are hints: the owner
 * must also feed it the status of batches that have waited for long.
 */
export class WaitingBatches {
  readonly #waiterByBatchId = new Map<string, Waiter>();
  #closed = false;
  readonly #waitersByOperation = new Map<string, Set<Waiter>>();

  /** Begins to wait. Call it before the batch is appended: the reply may arrive before the append's own answer. */
  wait(batch: WaitingBatch, timeoutMs: number): Wait {
    const { promise, resolve } = Promise.withResolvers<OperationResult[] | undefined>();
    const waiter: Waiter = {
      ...batch,
      results: undefined,
      finish: () => {
        clearTimeout(timer);
        this.#forget(waiter);
        resolve(waiter.results);
      },
    };
    const timer = setTimeout(waiter.finish, this.#closed ? 0 : timeoutMs);
    this.#waiterByBatchId.set(batch.batchId, waiter);
    return { results: promise, cancel: waiter.finish };
  }

  /** Records the known results of a batch. */
  onBatch(batchId: BatchId, results: OperationResult[]): void {
    const waiter = this.#waiterByBatchId.get(batchId);
    if (waiter === undefined) return;
    waiter.results = results;
    if (isFinal(results)) return waiter.finish();
    for (const result of results) {
      if (result.status !== "pending") continue;
      const key = operationKey(waiter.workspaceId, waiter.deviceId, result.client_id);
      const waiters = this.#waitersByOperation.get(key) ?? new Set();
      this.#waitersByOperation.set(key, waiters.add(waiter));
    }
  }

  /** Records the final answer to a pending operation; in another batch than its own the answer is a replay. */
  onSettled({ workspaceId, deviceId, batchId }: WaitingBatch, settled: OperationResult): void {
    const waiters =
      this.#waitersByOperation.get(operationKey(workspaceId, deviceId, settled.client_id)) ?? [];
    for (const waiter of waiters) {
      const answer = waiter.batchId === batchId ? settled : { ...settled, replayed: true as const };
      const results = (waiter.results ?? []).map((result) =>
        result.client_id === settled.client_id && result.status === "pending" ? answer : result,
      );
      waiter.results = results;
      if (isFinal(results)) waiter.finish();
    }
  }

  get size(): number {
    return this.#waiterByBatchId.size;
  }

  /** Lists the batches that requests wait for. */
  list(): WaitingBatch[] {
    return [...this.#waiterByBatchId.values()];
  }

  /** Ends every wait with the known results, and every later wait immediately: the process is stopping. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiterByBatchId.values()) waiter.finish();
  }

  #forget(waiter: Waiter): void {
    this.#waiterByBatchId.delete(waiter.batchId);
    for (const result of waiter.results ?? []) {
      const key = operationKey(waiter.workspaceId, waiter.deviceId, result.client_id);
      const waiters = this.#waitersByOperation.get(key);
      waiters?.delete(waiter);
      if (waiters?.size === 0) this.#waitersByOperation.delete(key);
    }
  }
}
