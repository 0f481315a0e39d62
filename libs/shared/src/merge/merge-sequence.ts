import { jsonEqual } from "../document/json-equal.ts";
import type { Json } from "../document/json.ts";
import type { ArrayMerge } from "./array-merge.ts";
import { canonicalJson } from "../document/canonical-json.ts";
import { matchCommon, type SearchBudget } from "./common-subsequence.ts";
import type { Intern } from "./interner.ts";
import {
  findEdits,
  hasChanges,
  tokenizeItems,
  type SequenceEdits,
  type TokenizedItems,
} from "./sequence-edits.ts";
import type { Decision, EditedSides, Side, Sides } from "./sides.ts";
import type { MergedItems } from "./sort-inserts.ts";

/**
 * Merges arrays whose items have no identity, as sequences.
 *
 * The ancestor's items are walked once. Inserts of either side stay at their place, remote's first and equal ones
 * once. An item that one side changed or removed follows that side. An item that both changed is merged as a value.
 * A run overlaps as a whole only if one side rewrote it beyond recognition and the other changed it, too. This is
 * diff3 (Khanna, Kunal, Pierce, "A Formal Investigation of Diff3", 2007) with a narrower definition of overlap:
 * edits that merely touch are both kept, because the items of an array, unlike the lines of a program, seldom
 * depend on their neighbours.
 *
 * @param sides - a missing `ancestor` makes the merge two-way: the items that both have in common, in order, stand
 * in for it.
 * @returns `undefined` if items moved, or both sides put the same item into different places: a sequence would have
 * it twice, or not at all.
 */
export function mergeSequence(
  sides: EditedSides<readonly Json[]>,
  merge: ArrayMerge,
): MergedItems | undefined {
  const { intern, budget } = merge;
  const tokenize = (items: readonly Json[]) => tokenizeItems(items, intern);
  const ancestor = sides.ancestor ?? findCommon(tokenize(sides.remote), tokenize(sides.local), budget);
  const edits = {
    remote: findEdits(ancestor, sides.remote, intern, budget),
    local: findEdits(ancestor, sides.local, intern, budget),
  };
  if (edits.remote.moves || edits.local.moves || insertElsewhere(edits, intern)) return undefined;
  const remote = dropRepeats(edits.remote, edits.local);
  const local = dropRepeats(edits.local, edits.remote);

  const merged: Json[] = [];
  const origins: (Side | undefined)[] = [];
  const add = (items: readonly Json[], origin?: Side) => {
    for (const item of items) {
      merged.push(item);
      origins.push(origin);
    }
  };
  for (let index = 0; ;) {
    mergeInserts(remote.insertsByGap.get(index), local.insertsByGap.get(index), budget, add);
    if (index >= ancestor.length) return { items: merged, origins };
    const end = findRunEnd(index, remote, local);
    if (end > index) {
      mergeRun({ start: index, end, at: merged.length }, { ancestor, remote, local }, merge, add);
      index = end;
    } else {
      const item = mergeAt(index);
      if (item !== undefined) add([item]);
      index++;
    }
  }

  function mergeAt(index: number): Json | undefined {
    if (!local.changed[index]) return remote.itemNow[index];
    if (!remote.changed[index]) return local.itemNow[index];
    return merge.mergeItem(
      merged.length,
      {
        ancestor: ancestor[index],
        remote: remote.itemNow[index],
        local: local.itemNow[index],
      },
      true,
    );
  }
}

/** Reports whether both sides put the same new item into different places, or into a rewrite. */
function insertElsewhere({ remote, local }: Record<Side, SequenceEdits>, intern: Intern): boolean {
  const placeByToken = new Map(listNew(remote, intern));
  return listNew(local, intern).some(
    ([token, place]) =>
      placeByToken.has(token) && (place === IN_REWRITE || placeByToken.get(token) !== place),
  );
}

const IN_REWRITE = "rewrite";

/** A side's new items, each with the gap, the item or the rewrite that it stands in. */
function listNew(side: SequenceEdits, intern: Intern): [token: number, place: string][] {
  const found: [number, string][] = [];
  for (const [gap, { tokens }] of side.insertsByGap)
    for (const token of tokens) found.push([token, `gap ${gap}`]);
  for (const { tokens } of side.rewriteByStart.values())
    for (const token of tokens) found.push([token, IN_REWRITE]);
  side.itemNow.forEach((item, index) => {
    if (side.changed[index] && item !== undefined) found.push([intern(item), `item ${index}`]);
  });
  return found;
}

function findCommon(remote: TokenizedItems, local: TokenizedItems, budget: SearchBudget): Json[] {
  const matches = matchCommon(remote.tokens, local.tokens, budget);
  return remote.items.filter((_, index) => (matches[index] ?? -1) >= 0);
}

/**
 * Leaves out inserts beside items that only the other side changed or replaced, if it put equal items there: an
 * item is at one place once. A merged array has them so, and can be merged again.
 */
function dropRepeats(side: SequenceEdits, other: SequenceEdits): SequenceEdits {
  const repeated = new Set<number>();
  for (let start = 0; start < other.changed.length && side.insertsByGap.size > 0; start++) {
    if (!other.changed[start]) continue;
    let end = start;
    while (other.changed[end]) end++;
    const gaps = listGaps(side, { start, end });
    if (gaps.length > 0 && !hasChanges(side, { start, end })) {
      const items = readRun(other, { start, end });
      const insertsAt = (gap: number) => side.insertsByGap.get(gap)?.items ?? [];
      const isRepeated = (gaps: readonly number[]) => containsInOrder(items, gaps.flatMap(insertsAt));
      const found = isRepeated(gaps) ? gaps : [start, end].filter((gap) => isRepeated([gap]));
      for (const gap of found) repeated.add(gap);
    }
    start = end;
  }
  if (repeated.size === 0) return side;
  const kept = [...side.insertsByGap].filter(([gap]) => !repeated.has(gap));
  return { ...side, insertsByGap: new Map(kept) };
}

/** The gaps in and beside a run that a side inserted into. */
function listGaps({ insertsByGap }: SequenceEdits, { start, end }: Pick<Run, "start" | "end">): number[] {
  const gaps: number[] = [];
  for (let gap = start; gap <= end; gap++) if (insertsByGap.has(gap)) gaps.push(gap);
  return gaps;
}

type AddItems = (items: readonly Json[], origin?: Side) => void;

/** Merges both sides' inserts at one place: common items once, otherwise remote's before local's. */
function mergeInserts(
  remote: TokenizedItems | undefined,
  local: TokenizedItems | undefined,
  budget: SearchBudget,
  add: AddItems,
): void {
  if (!remote || !local) {
    add(remote?.items ?? [], "remote");
    add(local?.items ?? [], "local");
    return;
  }
  const matches = matchCommon(remote.tokens, local.tokens, budget);
  let localStart = 0;
  remote.items.forEach((item, index) => {
    const match = matches[index] ?? -1;
    if (match >= 0) {
      add(local.items.slice(localStart, match), "local");
      localStart = match + 1;
    }
    add([item], match < 0 ? "remote" : undefined);
  });
  add(local.items.slice(localStart), "local");
}

/**
 * Finds the end of the run that rewrites make of the items from `start` on; returns `start` if no rewrite starts
 * there.
 */
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
  /** The index at which the run begins in the merged array. */
  readonly at: number;
}

function mergeRun(
  run: Run,
  { ancestor, remote, local }: { ancestor: readonly Json[]; remote: SequenceEdits; local: SequenceEdits },
  merge: ArrayMerge,
  add: AddItems,
): void {
  const items = {
    ancestor: ancestor.slice(run.start, run.end),
    remote: readRun(remote, run),
    local: readRun(local, run),
  };
  const chosen = chooseRun();
  const merged = [...items[chosen]];
  // An insert into the run is not part of the overlap, so it survives the other side's rewrite of its surroundings.
  const other = chosen === "remote" ? local : remote;
  const inserts: Json[] = [];
  for (let gap = run.start + 1; gap < run.end; gap++) {
    append(inserts, other.insertsByGap.get(gap)?.items ?? []);
  }
  const isAlone = !hasChanges(other, run);
  const before = new Set(items.ancestor);
  for (const item of merged) add([item], isAlone && !before.has(item) ? chosen : undefined);
  if (!containsInOrder(merged, inserts))
    add(inserts, isAlone ? (chosen === "remote" ? "local" : "remote") : undefined);

  function chooseRun(): Side {
    if (!hasChanges(remote, run)) return "local";
    if (!hasChanges(local, run)) return "remote";
    const remoteRemoves = onlyRemoves(remote, run);
    const deletion = remoteRemoves || onlyRemoves(local, run);
    // Equal rewrites, one of which continues, are one edit.
    if (!deletion) {
      const same = compareRewrites(items, "remote") ?? compareRewrites(items, "local");
      if (same) return same;
    }
    const decision: Decision = deletion
      ? merge.decideDeletion(remoteRemoves ? "local" : "remote")
      : { chosen: merge.prefer };
    merge.recordRunOverlap(run.at, items, decision);
    return decision.chosen;
  }
}

/**
 * Compares two rewrites of a run if one contains the other. The longer one wins if its additional items are new.
 * The shorter one wins if those items are the ancestor's, so that the shorter side removed them.
 */
function compareRewrites(items: Sides<readonly Json[]>, longer: Side): Side | undefined {
  const shorter = longer === "remote" ? "local" : "remote";
  const rest = subtractInOrder(items[longer], items[shorter]);
  if (rest === undefined) return undefined;
  if (containsInOrder(items.ancestor, rest)) return rest.length > 0 ? shorter : longer;
  const before = new Set(items.ancestor.map(canonicalJson));
  return rest.some((item) => before.has(canonicalJson(item))) ? undefined : longer;
}

/** Returns some items without others, or `undefined` if they do not contain the others in order. */
function subtractInOrder(items: readonly Json[], others: readonly Json[]): Json[] | undefined {
  let found = 0;
  const rest = items.filter((item) => {
    const next = others[found];
    const isNext = next !== undefined && jsonEqual(item, next);
    if (isNext) found++;
    return !isNext;
  });
  return found === others.length ? rest : undefined;
}

/** The items that a side made of a run, its inserts into the run included. */
function readRun(side: SequenceEdits, run: Pick<Run, "start" | "end">): Json[] {
  const items: Json[] = [];
  for (let index = run.start; index < run.end; index++) {
    if (index > run.start) append(items, side.insertsByGap.get(index)?.items ?? []);
    append(items, side.rewriteByStart.get(index)?.items ?? []);
    const item = side.itemNow[index];
    if (item !== undefined) items.push(item);
  }
  return items;
}

function onlyRemoves(side: SequenceEdits, run: Run): boolean {
  for (let index = run.start; index < run.end; index++) {
    if (side.rewriteByStart.has(index) || (side.changed[index] && side.itemNow[index] !== undefined))
      return false;
  }
  return true;
}

function containsInOrder(items: readonly Json[], wanted: readonly Json[]): boolean {
  return subtractInOrder(items, wanted) !== undefined;
}

/** Appends any number of items, unlike `push(...items)`. */
function append(target: Json[], items: readonly Json[]): void {
  for (const item of items) target.push(item);
}
