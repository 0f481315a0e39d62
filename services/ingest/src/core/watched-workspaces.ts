/** Hears of commits to one workspace. */
export interface Watch {
  /** Forgets what was heard. Call it before reading: what is heard from then on may not be in what is read. */
  clear(): void;
  /** Waits until a commit was heard of since {@link clear}, the watch is over, or so much time has passed. */
  next(timeoutMs?: number): Promise<void>;
}

/**
 * Who of this process follows which workspace, fed by hints. A hint starts one look into Postgres and is never believed
 * beyond that, so that a wrong one does no harm. Whoever owns this also feeds it from Postgres, every few seconds: hints
 * get lost.
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

  /** Takes in that something was committed to a workspace: changes, conflicts, or answers alone. */
  onCommit(workspaceId: string): void {
    for (const watcher of this.#watchersByWorkspaceId.get(workspaceId) ?? []) watcher.hear();
  }

  /** Every workspace that somebody watches. */
  list(): string[] {
    return [...this.#watchersByWorkspaceId.keys()];
  }
}

class Watcher implements Watch {
  readonly #signal: AbortSignal;
  #heard = false;
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
  }

  clear(): void {
    this.#heard = false;
  }

  hear(): void {
    this.#heard = true;
    this.#wake?.();
  }

  async next(timeoutMs?: number): Promise<void> {
    if (this.#heard || this.#signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs);
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }
}
