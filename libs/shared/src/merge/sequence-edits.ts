import { jsonEqual } from "../document/json-equal.ts";
import type { Json } from "../document/json.ts";
import { alignChanged } from "./align-items.ts";
import { matchCommon, type SearchBudget } from "./common-subsequence.ts";
import type { Intern } from "./interner.ts";

/** Items with a number for each; equal items have equal numbers, across all arrays of one merge. */
export interface TokenizedItems {
  readonly items: readonly Json[];
  readonly tokens: readonly number[];
}

/** One side's edits of an array, compared with the ancestor's. */
export interface SequenceEdits {
  /** For each ancestor index its item now: the same, changed, or `undefined` if it is gone. */
  readonly itemNow: readonly (Json | undefined)[];
  /** For each ancestor index true if the side changed or removed its item. */
  readonly changed: readonly boolean[];
  /** New items, by the ancestor index that they stand before. */
  readonly insertsByGap: ReadonlyMap<number, TokenizedItems>;
  /** Runs replaced by unrecognisable items, by the ancestor index at which each run starts. */
  readonly rewriteByStart: ReadonlyMap<number, Rewrite>;
  /** True if an item is gone from its place and equal to one that is new elsewhere. */
  readonly moves: boolean;
}

/** New items in the place of a run. */
interface Rewrite {
  /** The ancestor index behind the run. */
  readonly end: number;
  readonly items: readonly Json[];
  readonly tokens: readonly number[];
}

/** Finds the edits that one side made to an array. */
export function findEdits(
  ancestor: readonly Json[],
  side: readonly Json[],
  intern: Intern,
  budget: SearchBudget,
): SequenceEdits {
  // The common head and tail, most of a long array as a rule, are only compared: that costs less than numbering
  // their items.
  const { head, tail } = countEqualEnds(ancestor, side);
  const from = tokenizeItems(ancestor.slice(head, ancestor.length - tail), intern);
  const to = tokenizeItems(side.slice(head, side.length - tail), intern);
  const equal = matchCommon(from.tokens, to.tokens, budget);
  const matches = alignChanged(equal, from.items, to.items);

  const itemNow: (Json | undefined)[] = side.slice(0, head);
  const changed = itemNow.map(() => false);
  matches.forEach((match, index) => {
    itemNow.push(match < 0 ? undefined : to.items[match]);
    changed.push(to.tokens[match] !== from.tokens[index]);
  });
  for (let index = side.length - tail; index < side.length; index++) {
    itemNow.push(side[index]);
    changed.push(false);
  }
  const moves = countShared(from.tokens, to.tokens) > countMatched(equal);
  return { itemNow, changed, moves, ...collectNew(matches, to, head) };
}

export function tokenizeItems(items: readonly Json[], intern: Intern): TokenizedItems {
  return { items, tokens: items.map(intern) };
}

function countMatched(matches: Int32Array): number {
  return matches.reduce((count, match) => (match < 0 ? count : count + 1), 0);
}

/** Counts the items that two arrays share, in any order; an item that occurs twice on both sides counts twice. */
function countShared(a: readonly number[], b: readonly number[]): number {
  const left = new Map<number, number>();
  for (const token of a) left.set(token, (left.get(token) ?? 0) + 1);
  let shared = 0;
  for (const token of b) {
    const count = left.get(token) ?? 0;
    if (count === 0) continue;
    left.set(token, count - 1);
    shared++;
  }
  return shared;
}

function collectNew(matches: Int32Array, to: TokenizedItems, offset: number) {
  const insertsByGap = new Map<number, TokenizedItems>();
  const rewriteByStart = new Map<number, Rewrite>();
  let toStart = 0;
  for (let start = 0; start <= matches.length; start++) {
    let end = start;
    while (end < matches.length && (matches[end] ?? -1) < 0) end++;
    const toEnd = matches[end] ?? to.items.length;
    if (toEnd > toStart) {
      const items = to.items.slice(toStart, toEnd);
      const tokens = to.tokens.slice(toStart, toEnd);
      if (start < end) rewriteByStart.set(offset + start, { end: offset + end, items, tokens });
      else insertsByGap.set(offset + start, { items, tokens });
    }
    toStart = toEnd + 1;
    start = end;
  }
  return { insertsByGap, rewriteByStart };
}

/** Counts the equal items at the head of two arrays, and at the tail of the rest. */
function countEqualEnds(a: readonly Json[], b: readonly Json[]): { head: number; tail: number } {
  const isEqual = (i: number, j: number) => jsonEqual(a[i] ?? null, b[j] ?? null);
  const max = Math.min(a.length, b.length);
  let head = 0;
  while (head < max && isEqual(head, head)) head++;
  let tail = 0;
  while (tail < max - head && isEqual(a.length - 1 - tail, b.length - 1 - tail)) tail++;
  return { head, tail };
}

/** Reports whether a side changed or removed any item of a run. */
export function hasChanges(
  side: SequenceEdits,
  run: { readonly start: number; readonly end: number },
): boolean {
  return side.changed.slice(run.start, run.end).includes(true);
}
