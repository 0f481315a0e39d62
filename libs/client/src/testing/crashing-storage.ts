import type { Change, Expected, Storage, StoreName } from "../ports/index.ts";

/** The moment of a crash: before a commit, or directly after it. */
export interface CrashPoint {
  /** The number of the commit, from 1 for the next one. */
  commit: number;
  when: "before" | "after";
}

/** The storage of a process that can crash. */
export interface CrashingStorage {
  readonly storage: Storage;
  /** The number of commits so far. */
  readonly commits: number;
  /** Crashes at a commit that is still to come. */
  crashAt(point: CrashPoint): void;
  /** Crashes now. */
  crash(): void;
  readonly hasCrashed: boolean;
}

/**
 * Lets a process crash at any commit. What was committed stays in the inner storage, for the next process; no call of the
 * crashed one ever returns.
 */
export function createCrashingStorage(
  inner: Storage,
  onCrash: () => void = () => undefined,
): CrashingStorage {
  let commits = 0;
  let point: CrashPoint | undefined;
  let hasCrashed = false;
  const never = () => new Promise<never>(() => undefined);
  const crash = () => {
    if (hasCrashed) return;
    hasCrashed = true;
    onCrash();
  };
  const unlessCrashed = async <T>(call: () => Promise<T>): Promise<T> => {
    if (hasCrashed) return never();
    const value = await call();
    // A call that was under way when the process crashed does not return either.
    return hasCrashed ? never() : value;
  };
  const isDue = (when: CrashPoint["when"]) => point?.when === when && commits === point.commit;
  return {
    storage: {
      open: (name, layout) => unlessCrashed(() => inner.open(name, layout)),
      get: (store: StoreName, keys) => unlessCrashed(() => inner.get(store, keys)),
      range: (store, range, options) => unlessCrashed(() => inner.range(store, range, options)),
      commit: (changes: readonly Change[], expect: readonly Expected[], options) =>
        unlessCrashed(async () => {
          commits += 1;
          if (isDue("before")) crash();
          if (hasCrashed) return never();
          const outcome = await inner.commit(changes, expect, options);
          if (isDue("after")) crash();
          return outcome;
        }),
      estimate: () => unlessCrashed(() => inner.estimate()),
      close: () => unlessCrashed(() => inner.close()),
      destroy: () => unlessCrashed(() => inner.destroy()),
    },
    get commits() {
      return commits;
    },
    crashAt(given) {
      point = { ...given, commit: commits + given.commit };
    },
    crash,
    get hasCrashed() {
      return hasCrashed;
    },
  };
}
