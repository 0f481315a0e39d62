import type { WorkspaceId } from "@syncline/shared/protocol";
/** Reports commits to one workspace. */
export interface Watch {
  /**
   * Forgets earlier notifications. Call it before reading: a commit reported after that may be missing from the read.
   */
  clear(): void;
  /** Waits until a commit is reported since {@link clear}, the watch is over, or the timeout has passed. */
  next(timeoutMs?: number): Promise<void>;
}

/**
 * The watches of this process on workspaces, fed by hints. A hint triggers one read of Postgres and is trusted no
 * further, so that a wrong hint does no harm. The owner must also feed it from Postgres every few seconds, because
 * hints get lost.
 */
export class WatchedWorkspaces {
  readonly #watchersByWorkspaceId = new Map<string, Set<Watcher>>();

  /** Watches a workspace until the signal is aborted. */
  watch(workspaceId: WorkspaceId, signal: AbortSignal): Watch {
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

  /** Reports a commit to a workspace: changes, conflicts, or answers alone. */
  onCommit(workspaceId: WorkspaceId): void {
    for (const watcher of this.#watchersByWorkspaceId.get(workspaceId) ?? []) watcher.hear();
  }

  /** Lists the watched workspaces. */
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
