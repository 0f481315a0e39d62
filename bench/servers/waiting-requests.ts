/** Requests waiting for a job, by the job's id. The worker runs in the same process as the handler. */
export class WaitingRequests {
  readonly #waiting = new Map<string, { resolve: () => void; reject: (error: unknown) => void }>();

  wait(id: string): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  settle(id: string, error?: unknown): void {
    const request = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) request?.resolve();
    else request?.reject(error);
  }
}
