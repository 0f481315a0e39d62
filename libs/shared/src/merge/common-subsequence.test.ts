import fc from "fast-check";
import { expect, it } from "vitest";
import { matchCommon } from "./common-subsequence.ts";

/** The textbook dynamic-programming table, as the reference. */
function longestLength(a: readonly number[], b: readonly number[]): number {
  let row = [0, ...b.map(() => 0)];
  for (const token of a) {
    const next = [0];
    b.forEach((other, j) =>
      next.push(token === other ? (row[j] ?? 0) + 1 : Math.max(row[j + 1] ?? 0, next[j] ?? 0)),
    );
    row = next;
  }
  return row.at(-1) ?? 0;
}

function readPairs(a: readonly number[], b: readonly number[]): number {
  const matched = [...matchCommon(a, b)].map((j, i) => [i, j] as const).filter(([, j]) => j >= 0);
  matched.forEach(([i, j], index) => {
    expect(a[i]).toBe(b[j]);
    expect(j).toBeGreaterThan(matched[index - 1]?.[1] ?? -1);
  });
  return matched.length;
}

it("finds a longest common subsequence", () => {
  const tokens = fc.array(fc.nat(4), { maxLength: 30 });
  fc.assert(
    fc.property(tokens, tokens, (a, b) => {
      expect(readPairs(a, b)).toBe(longestLength(a, b));
    }),
  );
});

it("finds nearly all of a long text of few words that has too many edits to be searched exactly", () => {
  const text = Array.from({ length: 40_000 }, (_, n) => (n % 10 < 4 ? n : (n * 7919) % 50));
  const edited = text.flatMap((token, n) => (n % 20 === 3 ? [-2 - n, token] : n % 20 === 7 ? [] : [token]));
  expect(readPairs(text, edited)).toBeGreaterThan(0.99 * (text.length - text.length / 20));
});

it("stays exact on a long shuffle of unique items, and valid on long noise", () => {
  const shuffled = Array.from({ length: 5000 }, (_, n) => (n * 2017) % 5000);
  const sorted = shuffled.toSorted((a, b) => a - b);
  expect(readPairs(sorted, shuffled)).toBe(longestLength(sorted, shuffled));
  const noise = (seed: number) => Array.from({ length: 5000 }, (_, n) => ((n * seed) >> 3) & 3);
  expect(readPairs(noise(7919), noise(104_729))).toBeGreaterThan(0);
});
