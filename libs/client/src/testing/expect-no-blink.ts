import type { Store } from "../public/documents.ts";

/** A watch over one value. */
export interface BlinkWatch {
  /** Every violation, in order. */
  readonly blinks: readonly string[];
  stop(): void;
}

/**
 * Watches a view at every emission: once `shows` was true of it, it stays true.
 * @param allows - reports whether what disappeared may have: for example because its outcome says so
 */
export function expectNoBlink<T>(
  view: Store<T>,
  shows: (value: T) => boolean,
  allows: () => boolean = () => false,
): BlinkWatch {
  const blinks: string[] = [];
  let wasShown = false;
  const look = () => {
    const value = view.get();
    const isShown = shows(value);
    if (wasShown && !isShown && !allows()) blinks.push(`disappeared from ${JSON.stringify(value)}`);
    wasShown = isShown;
  };
  look();
  const unsubscribe = view.subscribe(look);
  return { blinks, stop: unsubscribe };
}
