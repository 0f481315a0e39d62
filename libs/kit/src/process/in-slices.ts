import { setImmediate, setTimeout } from "node:timers/promises";

/** The longest time that a process works before it yields to other tasks. */
const SLICE_MS = 10;

/**
 * Runs steps to their end and yields in between, so that health checks are answered and locks renewed.
 *
 * @param rests - idles after each slice for as long as the slice took: other tasks may need many turns of the event
 *   loop
 */
export async function inSlices<T>(steps: Iterator<unknown, T>, { rests = false } = {}): Promise<T> {
  let sliceBeganAtMs = performance.now();
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    const busyMs = performance.now() - sliceBeganAtMs;
    if (busyMs < SLICE_MS) continue;
    await (rests ? setTimeout(busyMs) : setImmediate());
    sliceBeganAtMs = performance.now();
  }
}

/** Maps items one by one and yields in between. */
export function mapInSlices<T, R>(items: Iterable<T>, map: (item: T) => R): Promise<R[]> {
  return inSlices(
    (function* () {
      const mapped: R[] = [];
      for (const item of items) {
        mapped.push(map(item));
        yield;
      }
      return mapped;
    })(),
  );
}
