import { jsonEqual } from "../json/json-equal.ts";
import type { Json } from "../json/json.ts";
import { alignItems } from "./align-items.ts";
import type { TokenizedItems, TokenizeItems } from "./tokenize-items.ts";

/** An array with what one side did to it, against the ancestor's. */
export interface SequenceEdits {
  /** For each ancestor index its item now: the same, changed, or `undefined` when it is gone. */
  readonly itemNow: readonly (Json | undefined)[];
  /** For each ancestor index whether the side changed or removed its item. */
  readonly changed: readonly boolean[];
  /** New items, by the ancestor index that they stand before. */
  readonly insertsByGap: ReadonlyMap<number, TokenizedItems>;
  /** Runs replaced by items in which none of theirs can be recognised, by the ancestor index they start at. */
  readonly rewriteByStart: ReadonlyMap<number, Rewrite>;
}

/** New items in the place of a run. */
interface Rewrite {
  /** The ancestor index behind the run. */
  readonly end: number;
  readonly items: readonly Json[];
}

/** Tells what one side did to an array. */
export function findEdits(
  ancestor: readonly Json[],
  side: readonly Json[],
  tokenize: TokenizeItems,
): SequenceEdits {
  // What both begin and end with, most of a long array as a rule, is only compared: that costs less than its tokens.
  const { head, tail } = countEqualEnds(ancestor, side);
  const from = tokenize(ancestor.slice(head, ancestor.length - tail));
  const to = tokenize(side.slice(head, side.length - tail));
  const matches = alignItems(from, to);

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
  return { itemNow, changed, ...collectNew(matches, to, head) };
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
      if (start < end) rewriteByStart.set(offset + start, { end: offset + end, items });
      else insertsByGap.set(offset + start, { items, tokens: to.tokens.slice(toStart, toEnd) });
    }
    toStart = toEnd + 1;
    start = end;
  }
  return { insertsByGap, rewriteByStart };
}

/** How many items two arrays begin with alike, and how many of the rest they end with. */
function countEqualEnds(a: readonly Json[], b: readonly Json[]): { head: number; tail: number } {
  const isEqual = (i: number, j: number) => jsonEqual(a[i] ?? null, b[j] ?? null);
  const max = Math.min(a.length, b.length);
  let head = 0;
  while (head < max && isEqual(head, head)) head++;
  let tail = 0;
  while (tail < max - head && isEqual(a.length - 1 - tail, b.length - 1 - tail)) tail++;
  return { head, tail };
}

/** Whether a side changed or removed any item of a run. */
export function hasChanges(
  side: SequenceEdits,
  run: { readonly start: number; readonly end: number },
): boolean {
  return side.changed.slice(run.start, run.end).includes(true);
}
