import type { Outcome } from "../public/outcomes.ts";

interface Waiting {
  readonly left: Set<string>;
  outcome: Outcome | undefined;
  readonly resolve: (outcome: Outcome) => void;
}

/** Resolves the promise of each write when its last operation has ended. */
export class Settlements {
  readonly #byId = new Map<string, Waiting>();

  /** Resolves with the outcome of the last operation, or with one that is not `applied`. */
  async wait(ids: readonly string[]): Promise<Outcome> {
    return await new Promise((resolve) => {
      const waiting: Waiting = { left: new Set(ids), outcome: undefined, resolve };
      for (const id of ids) this.#byId.set(id, waiting);
    });
  }

  /** Forgets a write that was not stored. */
  forget(ids: readonly string[]): void {
    for (const id of ids) this.#byId.delete(id);
  }

  tell(ids: readonly string[], outcome: Outcome): void {
    for (const id of ids) {
      const waiting = this.#byId.get(id);
      if (waiting === undefined) continue;
      this.#byId.delete(id);
      waiting.left.delete(id);
      if (waiting.outcome === undefined || outcome.code !== "applied") waiting.outcome = outcome;
      if (waiting.left.size === 0) waiting.resolve(waiting.outcome);
    }
  }
}
