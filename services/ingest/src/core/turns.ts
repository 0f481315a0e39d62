/**
 * Limits the tasks that run at once. Holders with waiting tasks take turns, so that no holder waits behind all tasks of
 * another.
 */
export class Turns {
  #free: number;
  /** Ordered by turn. */
  readonly #waitingByHolder = new Map<string, (() => void)[]>();

  constructor(tasksMax: number) {
    this.#free = tasksMax;
  }

  async run<T>(holder: string, task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await this.#turnOf(holder);
    try {
      return await task();
    } finally {
      this.#passOn();
    }
  }

  #turnOf(holder: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waitingByHolder.get(holder) ?? [];
    waiting.push(resolve);
    this.#waitingByHolder.set(holder, waiting);
    return promise;
  }

  #passOn(): void {
    for (const [holder, waiting] of this.#waitingByHolder) {
      const begin = waiting.shift();
      this.#waitingByHolder.delete(holder);
      if (waiting.length > 0) this.#waitingByHolder.set(holder, waiting);
      return begin?.();
    }
    this.#free++;
  }
}
