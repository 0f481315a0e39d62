/** Hears of commits to one workspace. */
export interface Watch {
  /** Forgets what was heard. Call it before reading: what is heard from then on may not be in what is read. */
  clear(): void;
  /** Waits until something newer than `seq` was heard of since {@link clear}, or the watch is over. */
  newerThan(seq: number): Promise<void>;
}

/**
 * Who of this process follows which workspace, fed by hints. A hint starts a look into Postgres and is never believed
 * beyond that: each one is the reason for one look at most, so that a wrong one does no harm. Whoever owns this also
 * feeds it from Postgres, every few seconds: hints get lost.
 */
export class WatchedWorkspaces {
  readonly #watchersByWorkspaceId = new Map<string, Set<Watcher>>();

  /** Watches a workspace until the signal is aborted. */
  watch(workspaceId: string, signal: AbortSignal): Watch {
    const watcher = new Watcher(signal);
    if (signal.aborted) return watcher;
    const watchers = this.#watchersByWorkspaceId.get(workspaceId) ?? new Set();
    this.#watchersByWorkspaceId.set(workspaceId, watchers.add(watcher));
    const forget = () => {
      watchers.delete(watcher);
      if (watchers.size === 0) this.#watchersByWorkspaceId.delete(workspaceId);
    };
    signal.addEventListener("abort", forget, { once: true });
    return watcher;
  }

  /** Takes in that a workspace has come so far. */
  onChanged(workspaceId: string, seq: number): void {
    for (const watcher of this.#watchersByWorkspaceId.get(workspaceId) ?? []) watcher.hear(seq);
  }

  /** Every workspace that somebody watches. */
  list(): string[] {
    return [...this.#watchersByWorkspaceId.keys()];
  }
}

class Watcher implements Watch {
  readonly #signal: AbortSignal;
  #heardSeq = -1;
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
  }

  clear(): void {
    this.#heardSeq = -1;
  }

  hear(seq: number): void {
    this.#heardSeq = Math.max(this.#heardSeq, seq);
    this.#wake?.();
  }

  async newerThan(seq: number): Promise<void> {
    while (this.#heardSeq <= seq && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = undefined;
  }
}
