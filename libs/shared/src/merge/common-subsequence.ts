import { longestIncreasing } from "./longest-increasing.ts";

/** Bounds the exact search: its time and memory grow with the square of the edits. */
const EDITS_MAX = 1000;

/**
 * Matches the items of two sequences that are the same, in order.
 *
 * Exact (Myers, "An O(ND) Difference Algorithm and Its Variations", 1986) up to {@link EDITS_MAX} edits among the items
 * that both have. Beyond that, the n-th occurrence of a token is matched to its n-th occurrence, which is exact when
 * tokens are unique and merely good when they repeat, in O(n log n): no input takes quadratic time.
 *
 * @param a - a token for each item; equal tokens mean equal items.
 * @returns for each index of `a` the index in `b` that it is matched to, or -1; the matched ones ascend.
 */
export function matchCommon(a: readonly number[], b: readonly number[]): Int32Array {
  const matches = new Int32Array(a.length).fill(-1);
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) matches[start] = start++;
  let aEnd = a.length;
  let bEnd = b.length;
  while (aEnd > start && bEnd > start && a[aEnd - 1] === b[bEnd - 1]) matches[--aEnd] = --bEnd;

  // A token that one side lacks can match nothing: without those, a list rewritten in half costs next to nothing.
  const sharedA = indicesOfShared(a, start, aEnd, new Set(b.slice(start, bEnd)));
  const sharedB = indicesOfShared(b, start, bEnd, new Set(a.slice(start, aEnd)));
  const tokensA = sharedA.map((index) => a[index] ?? -1);
  const tokensB = sharedB.map((index) => b[index] ?? -1);
  for (const [i, j] of matchByEdits(tokensA, tokensB) ?? matchByOccurrence(tokensA, tokensB)) {
    matches[sharedA[i] ?? 0] = sharedB[j] ?? -1;
  }
  return matches;
}

function indicesOfShared(
  tokens: readonly number[],
  start: number,
  end: number,
  other: ReadonlySet<number>,
): number[] {
  const indices: number[] = [];
  for (let index = start; index < end; index++) {
    if (other.has(tokens[index] ?? -1)) indices.push(index);
  }
  return indices;
}

/** Myers' greedy search, or `undefined` when it would take more than {@link EDITS_MAX} edits. */
function matchByEdits(a: readonly number[], b: readonly number[]): [number, number][] | undefined {
  const editsMax = Math.min(EDITS_MAX, a.length + b.length);
  const offset = editsMax + 1;
  /** The furthest index of `a` reached on each diagonal (index in `a` minus index in `b`). */
  const furthest = new Int32Array(2 * offset + 1);
  /** What `furthest` was before each round. */
  const rounds: Int32Array[] = [];
  for (let edits = 0; edits <= editsMax; edits++) {
    rounds.push(furthest.slice(offset - edits - 1, offset + edits + 2));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = stepTo(diagonal, edits, furthest, offset).x;
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x++;
      furthest[offset + diagonal] = x;
      if (x >= a.length && x - diagonal >= b.length) return walkBack(a.length, b.length, rounds);
    }
  }
  return undefined;
}

function walkBack(aLength: number, bLength: number, rounds: readonly Int32Array[]): [number, number][] {
  const pairs: [number, number][] = [];
  let x = aLength;
  let y = bLength;
  for (let edits = rounds.length - 1; edits >= 0; edits--) {
    const step = stepTo(x - y, edits, rounds[edits] ?? new Int32Array(), edits + 1);
    while (x > step.x) pairs.push([--x, --y]);
    if (step.inserts) y--;
    else x--;
  }
  return pairs;
}

/** The better way onto a diagonal in a round: one more item of `b` inserted, or one of `a` removed. */
function stepTo(diagonal: number, edits: number, furthest: Int32Array, center: number) {
  const inserted = furthest[center + diagonal + 1] ?? 0;
  const removed = (furthest[center + diagonal - 1] ?? 0) + 1;
  const inserts = diagonal === -edits || (diagonal !== edits && removed <= inserted);
  return { inserts, x: inserts ? inserted : removed };
}

function matchByOccurrence(a: readonly number[], b: readonly number[]): [number, number][] {
  const indicesByToken = new Map<number, number[]>();
  for (let index = b.length - 1; index >= 0; index--) {
    const token = b[index] ?? -1;
    const indices = indicesByToken.get(token);
    if (indices) indices.push(index);
    else indicesByToken.set(token, [index]);
  }
  const pairs: [number, number][] = [];
  a.forEach((token, index) => {
    const match = indicesByToken.get(token)?.pop();
    if (match !== undefined) pairs.push([index, match]);
  });
  return longestIncreasing(pairs.map(([, j]) => j)).flatMap((member) => {
    const pair = pairs[member];
    return pair ? [pair] : [];
  });
}
