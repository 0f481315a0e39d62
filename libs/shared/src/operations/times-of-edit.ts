import { jsonEqual } from "../document/json-equal.ts";
import { isJsonObject, type Json, type JsonObject } from "../document/json.ts";
import {
  indexByKey,
  indexStep,
  newerTime,
  newestTime,
  ORDER,
  readStep,
  timeAt,
  type EditTime,
  type EditTimes,
} from "../merge/edit-times.ts";
import { compileRules, stepInto, type FieldRule, type RuleNode } from "../merge/field-rules.ts";

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

function readOwn(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
