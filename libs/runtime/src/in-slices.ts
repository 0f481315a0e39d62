import { setImmediate, setTimeout } from "node:timers/promises";

/** So long a process may be busy before it looks at what else has come. */
const SLICE_MS = 10;

/**
 * Goes through steps to their end, and gives way in between: health has to be answered, and locks renewed.
 *
 * @param rests - leaves the process to others for as long as it was busy each time: what others wait for may take many turns
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

/** Maps items one by one, and gives way in between. */
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
