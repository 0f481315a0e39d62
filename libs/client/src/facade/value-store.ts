import type { Store, Unsubscribe } from "../public/documents.ts";

/** A value that tells its subscribers when it is replaced. */
export class ValueStore<T> implements Store<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();
  readonly #isSame: (a: T, b: T) => boolean;

  constructor(value: T, isSame: (a: T, b: T) => boolean = Object.is) {
    this.#value = value;
    this.#isSame = isSame;
  }

  get(): T {
    return this.#value;
  }

  set(value: T): void {
    if (this.#isSame(this.#value, value)) return;
    this.#value = value;
    for (const listener of this.#listeners) callListener(listener);
  }

  subscribe(listener: () => void): Unsubscribe {
    // Wrapped, so that a listener that subscribes twice is called twice, and ends alone.
    const own = () => {
      listener();
    };
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }
}

/**
 * Calls a function of the app. Its error is reported as the app's own: it must end neither the commit that it is told
 * of nor the calls of other listeners.
 */
export function callListener(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    // A browser reports it like an error of an event handler; elsewhere it is printed.
    if (typeof reportError === "function") reportError(error);
    else console.error(error);
  }
}

/** Equality of small values that are made anew at each change. */
export function isSameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
