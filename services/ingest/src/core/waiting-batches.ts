import { isFinal, operationKey, type OperationResult } from "@syncline/shared";

/** A batch that somebody waits for. */
export interface WaitingBatch {
  workspaceId: string;
  deviceId: string;
  batchId: string;
}

interface Waiter extends WaitingBatch {
  results: OperationResult[] | undefined;
  finish: () => void;
}

/** How a wait ended: `results` are what is known by then, `undefined` when nothing was heard. */
export interface Wait {
  results: Promise<OperationResult[] | undefined>;
  /** Ends the wait early; what is known counts. */
  cancel(): void;
}

/**
 * The requests of this process that wait for the results of their batches, fed by replies. Replies are hints: whoever
 * owns this also feeds it from the status of batches that have waited for long.
 */
export class WaitingBatches {
  readonly #waiterByBatchId = new Map<string, Waiter>();
  #closed = false;
  readonly #waitersByOperation = new Map<string, Set<Waiter>>();

  /** Begins to wait. Call it before the batch is appended: its reply may be faster than the append's own answer. */
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

  /** Takes in what is known of a batch. */
  onBatch(batchId: string, results: OperationResult[]): void {
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

  /** Takes in the final answer to an operation that was pending; in another batch than its own it is a replay. */
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

  /** Every batch that waits. */
  list(): WaitingBatch[] {
    return [...this.#waiterByBatchId.values()];
  }

  /** Ends every wait with what is known, and lets no new one last: the process is stopping. */
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
