interface Runs<T> {
  /** Resolves when the run under way has ended, however it ended. */
  ended: Promise<void>;
  following: Promise<T> | undefined;
}

/** Runs a task, or shares one: see {@link createCoalescer}. */
export type Coalesce<T> = (key: string, run: () => Promise<T>) => Promise<T>;

/**
 * Keeps at most one run a key under way. Calls that come meanwhile share the one that follows it: it begins after all of
 * them, so each caller's run has seen what the caller did before.
 */
export function createCoalescer<T>(): Coalesce<T> {
  const runsByKey = new Map<string, Runs<T>>();

  return (key, run) => {
    const runs = runsByKey.get(key);
    if (runs === undefined) return begin(key, run);
    return (runs.following ??= runs.ended.then(() => begin(key, run)));
  };

  async function begin(key: string, run: () => Promise<T>): Promise<T> {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const runs: Runs<T> = { ended, following: undefined };
    runsByKey.set(key, runs);
    try {
      return await run();
    } finally {
      if (runs.following === undefined) runsByKey.delete(key);
      resolve();
    }
  }
}
