import { isJsonObject, type Json, type JsonObject } from "../document/json.ts";
import { compileRules, stepInto, YJS_KEY, type FieldRule, type RuleNode } from "../merge/field-rules.ts";
import type { YjsMerge } from "../merge/merge-value.ts";

/** The part of a policy that tells the Yjs states of a document and the identity of its array items. */
export interface YjsPolicy {
  readonly arrayKeys?: readonly string[];
  readonly rules?: readonly FieldRule[];
}

/** A position in a document: its key in its holder, and the rules for it and the positions below. */
export interface YjsPlace {
  readonly key: string | number | undefined;
  readonly rules: RuleNode | undefined;
}

/** The position of the document itself. */
export function yjsRoot({ rules = [] }: YjsPolicy): YjsPlace {
  return { key: undefined, rules: compileRules(rules) };
}

/** The position of a member or an item. */
export function yjsPlaceIn({ rules }: YjsPlace, key: string | number): YjsPlace {
  return { key, rules: stepInto(rules, key) };
}

/** Reports whether a string at this position is a Yjs state. */
export function isYjsPlace({ key, rules }: YjsPlace): boolean {
  return rules?.rule === undefined ? key === YJS_KEY : rules.rule.is === "yjs";
}

/** Reports whether a value has a Yjs state at or below its position. */
export function holdsYjsState(place: YjsPlace, value: Json): boolean {
  if (typeof value === "string") return isYjsPlace(place);
  if (Array.isArray(value)) return value.some((item, index) => holdsYjsState(yjsPlaceIn(place, index), item));
  if (!isJsonObject(value)) return false;
  return Object.entries(value).some(([key, inner]) => holdsYjsState(yjsPlaceIn(place, key), inner));
}

/**
 * Reports whether `next` writes a Yjs state at a place at which `first` has just left none. A separate write then
 * starts a new state there; one write of both would merge the state with the previous one.
 *
 * @param kind - a `patch` keeps places that it does not name; a `document` has no value there
 * @param mergeYjs - if absent, no two states can be merged, so that each one starts anew
 */
export function startsYjsState(
  kind: "document" | "patch",
  first: JsonObject,
  next: JsonObject,
  policy: YjsPolicy = {},
  mergeYjs?: YjsMerge,
): boolean {
  return startsState(kind, yjsRoot(policy), first, next, mergeYjs);
}

function startsState(
  kind: "document" | "patch",
  place: YjsPlace,
  first: Json,
  next: Json,
  mergeYjs: YjsMerge | undefined,
): boolean {
  if (isJsonObject(first) && isJsonObject(next)) {
    return Object.entries(next).some(([key, value]) => {
      const before = Object.hasOwn(first, key) ? first[key] : undefined;
      if (before === undefined) return kind === "document" && holdsYjsState(yjsPlaceIn(place, key), value);
      return startsState(kind, yjsPlaceIn(place, key), before, value, mergeYjs);
    });
  }
  if (typeof first === "string" && typeof next === "string") {
    return isYjsPlace(place) && mergeYjs?.(first, next) === undefined;
  }
  return holdsYjsState(place, next);
}
