interface Runs<T> {
  /** Resolves when the current run has ended, successfully or not. */
  ended: Promise<void>;
  following: Promise<T> | undefined;
}

/** Runs a task or shares a run of it: see {@link createCoalescer}. */
export type Coalesce<T> = (key: string, run: () => Promise<T>) => Promise<T>;

/**
 * Keeps at most one run for each key in progress. Calls during a run share the run that follows it: that run begins
 * after all of these calls, so it sees every write that a caller made before its call.
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
