import { jsonEqual } from "../document/json-equal.ts";
import { isJsonObject, type Json, type JsonObject } from "../document/json.ts";
import { stepInto, type FieldRule, type RuleNode, compileRules } from "./field-rules.ts";

/** The newest time at which a value was edited; `null` if its writer sent no time, which counts as the oldest. */
export type EditTime = number | null;

/** The newest edits of a value and of the places in it. A place without an entry was not edited. */
export interface EditTimes {
  /** The time at which the value was set, replaced or removed as a whole. */
  at?: EditTime;
  /** The newest of the edits whose place is unknown: each may have changed any place in the value. */
  anywhere?: EditTime;
  /**
   * Entries by key of an object; in an array by {@link itemStep} or {@link indexStep}, and {@link ORDER} for its
   * order.
   */
  in?: { [step: string]: EditTimes };
}

/** The keys and rules by which items of a document's arrays are the same. */
export interface ItemPolicy {
  readonly arrayKeys?: readonly string[];
  readonly rules?: readonly FieldRule[];
}

/**
 * The most places that are kept apart for one side of a merge or one change; long names count for more. Beyond
 * that, only the newest time of the places in one value is kept.
 */
const PLACES_MAX = 1_000;
/** The number of characters of a place's name that count as one more place. */
const PLACE_CHARS = 32;

/** The place in an array that stands for the order of its items. */
export const ORDER = "order";

/** The place of an item that is identified by its value under a key. */
export function itemStep(key: string, item: Json | undefined): string | undefined {
  if (!isJsonObject(item) || !Object.hasOwn(item, key)) return undefined;
  return `${key}=${JSON.stringify(item[key])}`;
}

/** The place of an item of an array that has kept its length. */
export function indexStep(index: number): string {
  return `#${index}`;
}

/** Indexes an array by a key. Returns `undefined` unless every item is an object with a unique value under the key. */
export function indexByKey(
  items: readonly Json[],
  key: string,
): ReadonlyMap<string | number, JsonObject> | undefined {
  const itemById = new Map<string | number, JsonObject>();
  for (const item of items) {
    if (!isJsonObject(item) || !Object.hasOwn(item, key)) return undefined;
    const id = item[key];
    if ((typeof id !== "string" && typeof id !== "number") || itemById.has(id)) return undefined;
    itemById.set(id, item);
  }
  return itemById;
}

/** The newer of two times. */
export function newerTime(one: EditTime | undefined, other: EditTime | undefined): EditTime | undefined {
  if (one === undefined) return other;
  if (other === undefined) return one;
  if (one === null || other === null) return one ?? other;
  return Math.max(one, other);
}

/** Returns the times of one edit, at all places that differ before and after it. `null` stands for no document. */
export function timesOfEdit(
  before: JsonObject | null,
  after: JsonObject | null,
  time: EditTime,
  { arrayKeys = ["id"], rules = [] }: ItemPolicy = {},
): EditTimes {
  if (before === null && after === null) return {};
  return differing(before ?? undefined, after ?? undefined, compileRules(rules), { time, arrayKeys }) ?? {};
}

/** Merges the times of earlier and later edits. */
export function joinTimes(one: EditTimes, other: EditTimes): EditTimes {
  return bounded(joined(one, other));
}

/** Removes the times of the places that an edit overwrote. */
export function withoutPlaces(times: EditTimes, edited: EditTimes): EditTimes {
  if (edited.at !== undefined) return pruned({ anywhere: times.anywhere });
  if (times.in === undefined || edited.in === undefined) return times;
  const left = { ...times.in };
  for (const [step, inner] of Object.entries(edited.in)) {
    const known = readStep(times, step);
    if (known === undefined) continue;
    const rest = withoutPlaces(known, inner);
    if (isEmpty(rest)) delete left[step];
    else left[step] = rest;
  }
  return pruned({ ...times, in: left });
}

/**
 * Returns, for the places that an edit wrote, the times of the side that the edit came from. A place that this side
 * did not edit gets the time of the side's newest edit; a place that it edited without a time has none.
 */
export function timesAtPlaces(times: EditTimes, edited: EditTimes): EditTimes {
  const newest = newestTime(times);
  const timeOf = (path: readonly string[]): EditTime => {
    const known = timeAt(times, path);
    return known === undefined ? newest : known;
  };
  const pick = (at: EditTimes, path: readonly string[]): EditTimes => ({
    ...(at.at !== undefined && { at: timeOf(path) }),
    ...(at.in !== undefined && {
      in: Object.fromEntries(
        Object.entries(at.in).map(([step, inner]) => [step, pick(inner, [...path, step])]),
      ),
    }),
  });
  return bounded(pick(edited, []));
}

/** The newest edit of a place: of itself, of a place in it, or of a value around it as a whole. `undefined`: none. */
export function timeAt(times: EditTimes, path: readonly (string | undefined)[]): EditTime | undefined {
  let found = newerTime(times.anywhere, times.at);
  let here: EditTimes | undefined = times;
  for (const step of path) {
    // An item without identity may be any item.
    if (step === undefined) break;
    here = readStep(here, step);
    if (here === undefined) return found;
    found = newerTime(found, newerTime(here.anywhere, here.at));
  }
  return newerTime(found, newestIn(here));
}

/**
 * Reports whether a place, a place in it, or a value around it as a whole has an edit with a known time. Edits without
 * one that were changed back do not count, because a fold of such edits does not keep them.
 */
export function isEdited(times: EditTimes, path: readonly (string | undefined)[]): boolean {
  let here: EditTimes = times;
  for (const step of path) {
    if (typeof here.at === "number") return true;
    if (step === undefined) break;
    const inner = readStep(here, step);
    if (inner === undefined) return false;
    here = inner;
  }
  return isTimed(here);
}

function isTimed({ at, in: inner = {} }: EditTimes): boolean {
  return typeof at === "number" || Object.values(inner).some(isTimed);
}

/** The newest time of all. */
export function newestTime(times: EditTimes): EditTime {
  return newestIn(times) ?? null;
}

/** True if no edit is known. */
export function isEmpty({ at, anywhere, in: inner }: EditTimes): boolean {
  return at === undefined && anywhere === undefined && inner === undefined;
}

interface Edit {
  readonly time: EditTime;
  readonly arrayKeys: readonly string[];
}

function differing(
  before: Json | undefined,
  after: Json | undefined,
  rules: RuleNode | undefined,
  edit: Edit,
): EditTimes | undefined {
  if (before === after) return undefined;
  if (isJsonObject(before) && isJsonObject(after)) {
    const inner: Record<string, EditTimes> = Object.create(null) as Record<string, EditTimes>;
    for (const key of Object.keys(after)) {
      // Nothing that every object inherits is JSON.
      if (before[key] === after[key]) continue;
      const was = readOwn(before, key);
      const found = differing(was, after[key], stepInto(rules, key), edit);
      if (found !== undefined) inner[key] = found;
    }
    for (const key of Object.keys(before)) {
      if (!Object.hasOwn(after, key)) inner[key] = { at: edit.time };
    }
    return withInner(inner);
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    return differingItems(before, after, rules, edit);
  }
  return before !== undefined && after !== undefined && jsonEqual(before, after)
    ? undefined
    : { at: edit.time };
}

function differingItems(
  before: Json[],
  after: Json[],
  rules: RuleNode | undefined,
  edit: Edit,
): EditTimes | undefined {
  const inner: Record<string, EditTimes> = {};
  const keys = rules?.rule?.is === "items" ? [rules.rule.key, ...edit.arrayKeys] : edit.arrayKeys;
  for (const key of keys) {
    const [from, to] = [indexByKey(before, key), indexByKey(after, key)];
    if (from === undefined || to === undefined) continue;
    for (const id of new Set([...from.keys(), ...to.keys()])) {
      const found = differing(from.get(id), to.get(id), stepInto(rules, 0), edit);
      if (found !== undefined) inner[`${key}=${JSON.stringify(id)}`] = found;
    }
    const stayed = [...from.keys()].filter((id) => to.has(id));
    const stay = [...to.keys()].filter((id) => from.has(id));
    if (stayed.some((id, index) => id !== stay[index])) inner[ORDER] = { at: edit.time };
    return withInner(inner);
  }
  if (before.length !== after.length) return { at: edit.time };
  before.forEach((item, index) => {
    const found = differing(item, after[index], stepInto(rules, index), edit);
    if (found !== undefined) inner[indexStep(index)] = found;
  });
  return withInner(inner);
}

function withInner(inner: Record<string, EditTimes>): EditTimes | undefined {
  return Object.keys(inner).length === 0 ? undefined : { in: inner };
}

function joined(one: EditTimes, other: EditTimes): EditTimes {
  const steps = new Set([...Object.keys(one.in ?? {}), ...Object.keys(other.in ?? {})]);
  const inner: Record<string, EditTimes> = Object.create(null) as Record<string, EditTimes>;
  for (const step of steps) inner[step] = joined(readStep(one, step) ?? {}, readStep(other, step) ?? {});
  return pruned({
    at: newerTime(one.at, other.at),
    anywhere: newerTime(one.anywhere, other.anywhere),
    in: inner,
  });
}

/** Drops the places in values that hold more than their share, and then all places, if there are too many. */
function bounded(times: EditTimes): EditTimes {
  if (times.in === undefined || countPlaces(times) <= PLACES_MAX) return times;
  const share = Math.max(1, Math.floor(PLACES_MAX / Object.keys(times.in).length));
  const entries = Object.entries(times.in).map(([step, inner]): [string, EditTimes] => [
    step,
    countPlaces(inner) <= share ? inner : withoutDetail(inner),
  ]);
  const kept: EditTimes = { ...times, in: Object.fromEntries(entries) };
  return countPlaces(kept) <= PLACES_MAX ? kept : withoutDetail(times);
}

function withoutDetail(times: EditTimes): EditTimes {
  return pruned({ at: times.at, anywhere: newestTime(times) });
}

function countPlaces({ in: inner = {} }: EditTimes): number {
  return Object.entries(inner).reduce(
    (sum, [step, one]) => sum + countPlaces(one) + Math.floor(step.length / PLACE_CHARS),
    1,
  );
}

function newestIn({ at, anywhere, in: inner = {} }: EditTimes): EditTime | undefined {
  return Object.values(inner).reduce<EditTime | undefined>(
    (newest, one) => newerTime(newest, newestIn(one)),
    newerTime(at, anywhere),
  );
}

function pruned({
  at,
  anywhere,
  in: inner,
}: { [K in keyof EditTimes]: EditTimes[K] | undefined }): EditTimes {
  return {
    ...(at !== undefined && { at }),
    ...(anywhere !== undefined && { anywhere }),
    ...(inner !== undefined && Object.keys(inner).length > 0 && { in: inner }),
  };
}

function readStep({ in: inner }: EditTimes, step: string): EditTimes | undefined {
  return inner !== undefined && Object.hasOwn(inner, step) ? inner[step] : undefined;
}

function readOwn(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
