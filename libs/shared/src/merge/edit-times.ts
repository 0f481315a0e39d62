import { isJsonObject, type Json, type JsonObject } from "../document/json.ts";

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

function newestIn({ at, anywhere, in: inner = {} }: EditTimes): EditTime | undefined {
  return Object.values(inner).reduce<EditTime | undefined>(
    (newest, one) => newerTime(newest, newestIn(one)),
    newerTime(at, anywhere),
  );
}

/** Reads the times of a place in a value. */
export function readStep({ in: inner }: EditTimes, step: string): EditTimes | undefined {
  return inner !== undefined && Object.hasOwn(inner, step) ? inner[step] : undefined;
}
