import { longestIncreasing } from "./longest-increasing.ts";

/** Bounds the exact search of one stretch: its time and memory grow with the square of the edits. */
const EDITS_MAX = 1000;

/** Bounds all exact searches together, in steps along a diagonal: about ten milliseconds. */
const STEPS_MAX = 2_000_000;

/** The remaining steps that searches may take. */
export interface SearchBudget {
  steps: number;
}

/** Creates a budget that several searches can share. */
export function createBudget(): SearchBudget {
  return { steps: STEPS_MAX };
}

interface Tokens {
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/** A stretch of each sequence, between items that are matched already. */
interface Stretch {
  readonly aStart: number;
  readonly aEnd: number;
  readonly bStart: number;
  readonly bEnd: number;
}

type Pair = readonly [number, number];

/**
 * Matches the equal items of two sequences, in order.
 *
 * The result is exact (Myers, "An O(ND) Difference Algorithm and Its Variations", 1986) up to {@link EDITS_MAX}
 * edits among the items that both sequences have. Beyond that, items that occur once on both sides are matched
 * first, as many as keep their order (Cohen's patience diff), and then the stretches between them. If no item
 * occurs once, or {@link STEPS_MAX} is used up, the n-th occurrence of a token is matched to its n-th occurrence.
 * No input takes quadratic time.
 *
 * @param a - a token for each item; equal tokens mean equal items.
 * @param budget - the steps that this search may use up.
 * @returns for each index of `a` the matching index in `b`, or -1; the matching indices ascend.
 */
export function matchCommon(
  a: readonly number[],
  b: readonly number[],
  budget: SearchBudget = createBudget(),
): Int32Array {
  const matches = new Int32Array(a.length).fill(-1);
  const pending: Stretch[] = [{ aStart: 0, aEnd: a.length, bStart: 0, bEnd: b.length }];
  for (let stretch = pending.pop(); stretch; stretch = pending.pop()) {
    const middle = matchEnds({ a, b }, stretch, matches);
    // A token that one side lacks cannot match. Without such tokens, a list rewritten in half costs next to no
    // steps.
    const inA = indicesOfShared(a, middle.aStart, middle.aEnd, new Set(b.slice(middle.bStart, middle.bEnd)));
    const inB = indicesOfShared(b, middle.bStart, middle.bEnd, new Set(a.slice(middle.aStart, middle.aEnd)));
    if (inA.length === 0) continue;
    const tokens = { a: inA.map((index) => a[index] ?? -1), b: inB.map((index) => b[index] ?? -1) };
    budget.steps -= inA.length + inB.length;
    const exact = matchByEdits(tokens, budget);
    const anchors = exact || budget.steps <= 0 ? [] : matchUnique(tokens);
    for (const [i, j] of exact ?? (anchors.length > 0 ? anchors : matchByOccurrence(tokens))) {
      matches[inA[i] ?? 0] = inB[j] ?? -1;
    }
    let { aStart, bStart } = middle;
    for (const [i, j] of anchors) {
      const [aEnd, bEnd] = [inA[i] ?? 0, inB[j] ?? 0];
      if (aStart < aEnd && bStart < bEnd) pending.push({ aStart, aEnd, bStart, bEnd });
      [aStart, bStart] = [aEnd + 1, bEnd + 1];
    }
    if (anchors.length > 0) pending.push({ ...middle, aStart, bStart });
  }
  return matches;
}

/** Matches the common head and tail of a stretch, and returns the rest between them. */
function matchEnds({ a, b }: Tokens, stretch: Stretch, matches: Int32Array): Stretch {
  let { aStart, aEnd, bStart, bEnd } = stretch;
  while (aStart < aEnd && bStart < bEnd && a[aStart] === b[bStart]) matches[aStart++] = bStart++;
  while (aEnd > aStart && bEnd > bStart && a[aEnd - 1] === b[bEnd - 1]) matches[--aEnd] = --bEnd;
  return { aStart, aEnd, bStart, bEnd };
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

/** Runs Myers' greedy search; returns `undefined` if it would take too many edits or steps. */
function matchByEdits({ a, b }: Tokens, budget: SearchBudget): Pair[] | undefined {
  const editsMax = Math.min(EDITS_MAX, a.length + b.length);
  const offset = editsMax + 1;
  /** The furthest index of `a` reached on each diagonal (index in `a` minus index in `b`). */
  const furthest = new Int32Array(2 * offset + 1);
  /** The states of `furthest` before each round. */
  const rounds: Int32Array[] = [];
  for (let edits = 0; edits <= editsMax && budget.steps > 0; edits++) {
    rounds.push(furthest.slice(offset - edits - 1, offset + edits + 2));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const start = stepTo(diagonal, edits, furthest, offset).x;
      let x = start;
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x++;
      furthest[offset + diagonal] = x;
      budget.steps -= 1 + x - start;
      if (x >= a.length && x - diagonal >= b.length) return walkBack(a.length, b.length, rounds);
    }
  }
  return undefined;
}

function walkBack(aLength: number, bLength: number, rounds: readonly Int32Array[]): Pair[] {
  const pairs: Pair[] = [];
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

/** Matches tokens that occur once on both sides, as many as keep their order. */
function matchUnique({ a, b }: Tokens): Pair[] {
  const indexInB = indexUnique(b);
  const pairs: Pair[] = [];
  for (const [token, i] of indexUnique(a)) {
    const j = indexInB.get(token) ?? -1;
    if (i >= 0 && j >= 0) pairs.push([i, j]);
  }
  return keepAscending(pairs);
}

/** The index of each token, in order of first occurrence; -1 for a token that occurs more than once. */
function indexUnique(tokens: readonly number[]): Map<number, number> {
  const indexByToken = new Map<number, number>();
  tokens.forEach((token, index) => indexByToken.set(token, indexByToken.has(token) ? -1 : index));
  return indexByToken;
}

function matchByOccurrence({ a, b }: Tokens): Pair[] {
  const indicesByToken = new Map<number, number[]>();
  for (let index = b.length - 1; index >= 0; index--) {
    const token = b[index] ?? -1;
    const indices = indicesByToken.get(token);
    if (indices) indices.push(index);
    else indicesByToken.set(token, [index]);
  }
  const pairs: Pair[] = [];
  a.forEach((token, index) => {
    const match = indicesByToken.get(token)?.pop();
    if (match !== undefined) pairs.push([index, match]);
  });
  return keepAscending(pairs);
}

/** Keeps as many pairs, ascending in `a`, as also ascend in `b`. */
function keepAscending(pairs: readonly Pair[]): Pair[] {
  return longestIncreasing(pairs.map(([, j]) => j)).flatMap((member) => {
    const pair = pairs[member];
    return pair ? [pair] : [];
  });
}
