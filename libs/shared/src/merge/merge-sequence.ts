import { jsonEqual } from "../json/json-equal.ts";
import type { Json } from "../json/json.ts";
import { alignItems, type TokenizedItems } from "./align-items.ts";
import type { ArrayMerge } from "./array-merge.ts";
import { canonicalJson } from "./canonical-json.ts";
import { matchCommon } from "./common-subsequence.ts";
import type { EditedSides, Side } from "./sides.ts";

/** An array with what one side did to it, against the ancestor's. */
interface SequenceEdits {
  /** For each ancestor index its item now: the same, changed, or `undefined` when it is gone. */
  readonly itemNow: readonly (Json | undefined)[];
  /** For each ancestor index whether the side changed or removed its item. */
  readonly changed: readonly boolean[];
  /** New items, by the ancestor index that they stand before. */
  readonly insertsByGap: ReadonlyMap<number, TokenizedItems>;
  /** Runs replaced by items in which none of theirs can be recognised, by the ancestor index they start at. */
  readonly rewriteByStart: ReadonlyMap<number, Rewrite>;
}

interface Rewrite {
  readonly end: number;
  readonly items: readonly Json[];
}

/**
 * Merges arrays whose items have no identity, as sequences.
 *
 * The ancestor's items are walked once. What either side inserted is kept where it stands, remote's first and the same
 * thing once; an item that one side changed or removed follows that side; an item that both changed is merged as a
 * value. Only where a side rewrote a run beyond recognition, and the other changed it too, the run overlaps as a whole.
 * This is diff3 (Khanna, Kunal, Pierce, "A Formal Investigation of Diff3", 2007) with a finer idea of overlap: edits
 * that merely touch are both kept, because the items of an array, unlike the lines of a program, seldom depend on
 * their neighbours.
 *
 * @param sides - no `ancestor` makes the merge two-way: what both have in common, in order, stands in for it.
 */
export function mergeSequence(sides: EditedSides<readonly Json[]>, merge: ArrayMerge): Json[] {
  const tokenize = createTokenizer();
  const remoteItems = tokenize(sides.remote);
  const localItems = tokenize(sides.local);
  const ancestor = tokenize(sides.ancestor ?? findCommon(remoteItems, localItems));
  const remote = findEdits(ancestor, remoteItems);
  const local = findEdits(ancestor, localItems);

  const merged: Json[] = [];
  for (let index = 0; ;) {
    append(merged, mergeInserts(remote.insertsByGap.get(index), local.insertsByGap.get(index)));
    if (index >= ancestor.items.length) return merged;
    const end = findRunEnd(index, remote, local);
    if (end > index) {
      append(merged, mergeRun({ start: index, end, at: merged.length }, { ancestor, remote, local }, merge));
      index = end;
    } else {
      const item = merge.mergeItem(merged.length, {
        ancestor: ancestor.items[index],
        remote: remote.itemNow[index],
        local: local.itemNow[index],
      });
      if (item !== undefined) merged.push(item);
      index++;
    }
  }
}

function createTokenizer(): (items: readonly Json[]) => TokenizedItems {
  const tokenByText = new Map<string, number>();
  return (items) => ({
    items,
    tokens: items.map((item) => {
      const text = canonicalJson(item);
      const token = tokenByText.get(text) ?? tokenByText.size;
      tokenByText.set(text, token);
      return token;
    }),
  });
}

function findCommon(remote: TokenizedItems, local: TokenizedItems): Json[] {
  const matches = matchCommon(remote.tokens, local.tokens);
  return remote.items.filter((_, index) => (matches[index] ?? -1) >= 0);
}

function findEdits(ancestor: TokenizedItems, side: TokenizedItems): SequenceEdits {
  const matches = alignItems(ancestor, side);
  const itemNow = Array.from(matches, (match) => (match < 0 ? undefined : side.items[match]));
  const changed = Array.from(matches, (match, index) => side.tokens[match] !== ancestor.tokens[index]);
  const insertsByGap = new Map<number, TokenizedItems>();
  const rewriteByStart = new Map<number, Rewrite>();
  let sideStart = 0;
  for (let start = 0; start <= matches.length; start++) {
    let end = start;
    while (end < matches.length && (matches[end] ?? -1) < 0) end++;
    const sideEnd = matches[end] ?? side.items.length;
    const items = side.items.slice(sideStart, sideEnd);
    if (items.length > 0 && start === end) {
      insertsByGap.set(start, { items, tokens: side.tokens.slice(sideStart, sideEnd) });
    } else if (items.length > 0) {
      rewriteByStart.set(start, { end, items });
    }
    sideStart = sideEnd + 1;
    start = end;
  }
  return { itemNow, changed, insertsByGap, rewriteByStart };
}

/** Both sides' inserts at one place: what they share once, else remote's before local's. */
function mergeInserts(
  remote: TokenizedItems | undefined,
  local: TokenizedItems | undefined,
): readonly Json[] {
  if (!remote || !local) return remote?.items ?? local?.items ?? [];
  const matches = matchCommon(remote.tokens, local.tokens);
  const merged: Json[] = [];
  let localStart = 0;
  remote.items.forEach((item, index) => {
    const match = matches[index] ?? -1;
    if (match >= 0) {
      append(merged, local.items.slice(localStart, match));
      localStart = match + 1;
    }
    merged.push(item);
  });
  append(merged, local.items.slice(localStart));
  return merged;
}

/** Where the run ends that rewrites make of the items from `start` on; `start` itself when none starts there. */
function findRunEnd(start: number, remote: SequenceEdits, local: SequenceEdits): number {
  let end = start;
  for (let index = start; index === start || index < end; index++) {
    end = Math.max(
      end,
      remote.rewriteByStart.get(index)?.end ?? 0,
      local.rewriteByStart.get(index)?.end ?? 0,
    );
  }
  return end;
}

interface Run {
  readonly start: number;
  readonly end: number;
  /** Where it begins in the merged array. */
  readonly at: number;
}

function mergeRun(
  run: Run,
  { ancestor, remote, local }: { ancestor: TokenizedItems; remote: SequenceEdits; local: SequenceEdits },
  merge: ArrayMerge,
): Json[] {
  const items = {
    ancestor: ancestor.items.slice(run.start, run.end),
    remote: readRun(remote, run),
    local: readRun(local, run),
  };
  const chosen = chooseRun();
  const merged = [...items[chosen]];
  // An insert into the run is no part of what overlaps, so it outlives the other side's rewrite of its surroundings.
  const other = chosen === "remote" ? local : remote;
  for (let gap = run.start + 1; gap < run.end; gap++)
    append(merged, other.insertsByGap.get(gap)?.items ?? []);
  return merged;

  function chooseRun(): Side {
    if (!hasChanges(remote, run)) return "local";
    if (!hasChanges(local, run)) return "remote";
    const remoteRemoves = onlyRemoves(remote, run);
    const deletion = remoteRemoves || onlyRemoves(local, run);
    // The same rewrite, which one side went on with, is one edit.
    if (!deletion && containsInOrder(items.remote, items.local)) return "remote";
    if (!deletion && containsInOrder(items.local, items.remote)) return "local";
    const chosen = deletion ? merge.chooseOverDeletion(remoteRemoves ? "local" : "remote") : merge.prefer;
    merge.recordRunOverlap(run.at, items, chosen);
    return chosen;
  }
}

/** What a side made of a run, its inserts into it included. */
function readRun(side: SequenceEdits, run: Run): Json[] {
  const items: Json[] = [];
  for (let index = run.start; index < run.end; index++) {
    if (index > run.start) append(items, side.insertsByGap.get(index)?.items ?? []);
    append(items, side.rewriteByStart.get(index)?.items ?? []);
    const item = side.itemNow[index];
    if (item !== undefined) items.push(item);
  }
  return items;
}

function hasChanges(side: SequenceEdits, run: Run): boolean {
  return side.changed.slice(run.start, run.end).includes(true);
}

function onlyRemoves(side: SequenceEdits, run: Run): boolean {
  for (let index = run.start; index < run.end; index++) {
    if (side.rewriteByStart.has(index) || (side.changed[index] && side.itemNow[index] !== undefined))
      return false;
  }
  return true;
}

function containsInOrder(items: readonly Json[], wanted: readonly Json[]): boolean {
  let found = 0;
  for (const item of items) {
    const next = wanted[found];
    if (next !== undefined && jsonEqual(item, next)) found++;
  }
  return found === wanted.length;
}

/** Unlike `push(...items)`, takes any number of items. */
function append(target: Json[], items: readonly Json[]): void {
  for (const item of items) target.push(item);
}
