/** Numbers in [0, 1), the same for the same seed. */
export type Random = () => number;

/** mulberry32: small, fast, and good enough to choose documents and words with. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns a whole number below a bound. */
export function below(random: Random, bound: number): number {
  return Math.floor(random() * bound);
}

/** Returns this number of hexadecimal digits. */
export function hexDigits(random: Random, count: number): string {
  return Array.from({ length: count }, () => below(random, 16).toString(16)).join("");
}
