/** A source of random numbers that a seed determines. */
export interface SeededRandom {
  /** Draws from [0, 1). */
  next(): number;
  /** Draws a whole number from 0 to `below` - 1. */
  below(below: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  pick<T>(values: readonly T[]): T;
  /** Makes a source of its own, so that draws of one part do not shift those of another. */
  fork(): SeededRandom;
}

/** Creates a source of random numbers: mulberry32 by Tommy Ettinger. */
export function createRandom(seed: number): SeededRandom {
  let state = seed | 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number) => Math.floor(next() * bound);
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick<T>(values: readonly T[]): T {
      if (values.length === 0) throw new Error("There is nothing to pick from");
      return values[below(values.length)] as T;
    },
    fork: () => createRandom(below(2 ** 31)),
  };
}

/** Makes a UUIDv7 from a time and random numbers. */
export function uuidV7(nowMs: number, random: Pick<SeededRandom, "below">): string {
  const hex = (value: number, length: number) => value.toString(16).padStart(length, "0");
  const time = hex(Math.max(0, Math.floor(nowMs)), 12);
  const variant = hex(0x8000 | random.below(0x4000), 4);
  const rest = hex(random.below(2 ** 24), 6) + hex(random.below(2 ** 24), 6);
  return `${time.slice(0, 8)}-${time.slice(8)}-${hex(0x7000 | random.below(0x1000), 4)}-${variant}-${rest}`;
}
