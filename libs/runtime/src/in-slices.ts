import { setImmediate } from "node:timers/promises";

/** So long a process may be busy before it looks at what else has come. */
const SLICE_MS = 10;

/** Goes through steps to their end, and gives way in between: health has to be answered, and locks renewed. */
export async function inSlices<T>(steps: Iterator<unknown, T>): Promise<T> {
  let sliceEndsAtMs = performance.now() + SLICE_MS;
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() < sliceEndsAtMs) continue;
    await setImmediate();
    sliceEndsAtMs = performance.now() + SLICE_MS;
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
