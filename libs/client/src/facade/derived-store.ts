import type { Store, Unsubscribe } from "../public/documents.ts";

/**
 * A value that is derived from others. It is derived anew when it is read, and when one of the others has changed while
 * it has subscribers: without any, a change costs nothing, however long the queue is.
 */
export class DerivedStore<T> implements Store<T> {
  readonly #derive: () => T;
  readonly #isSame: (a: T, b: T) => boolean;
  readonly #listeners = new Set<() => void>();
  #value: T;
  #isStale = false;

  constructor(derive: () => T, isSame: (a: T, b: T) => boolean = Object.is) {
    this.#derive = derive;
    this.#isSame = isSame;
    this.#value = derive();
  }

  get(): T {
    if (this.#isStale) this.#refresh();
    return this.#value;
  }

  /** One of the values that it is derived from has changed. */
  invalidate(): void {
    if (this.#listeners.size === 0) this.#isStale = true;
    else if (this.#refresh()) for (const listener of this.#listeners) callListener(listener);
  }

  subscribe(listener: () => void): Unsubscribe {
    this.get(); // Later changes are told against the present value.
    // Wrapped, so that a listener that subscribes twice is called twice, and ends alone.
    const own = () => {
      listener();
    };
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Returns `true` if the value is another one. An equal one stays the same object. */
  #refresh(): boolean {
    this.#isStale = false;
    const value = this.#derive();
    if (this.#isSame(this.#value, value)) return false;
    this.#value = value;
    return true;
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

/** Equality of lists whose items stay the same objects while they do not change. */
export function hasSameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, at) => item === b[at]);
}
