import { isJsonObject, memberOf, setMember, type Json, type JsonObject } from "../document/json.ts";
import { alignChanged } from "../merge/align-items.ts";
import { matchCommon } from "../merge/common-subsequence.ts";
import { compileRules, stepInto, YJS_KEY, type FieldRule, type RuleNode } from "../merge/field-rules.ts";
import { identifyItems } from "../merge/identify-items.ts";
import { createInterner } from "../merge/interner.ts";
import { mergeYjsStates } from "./merge-yjs-states.ts";

/** The part of a policy that tells the Yjs states of a document and the identity of its array items. */
export interface YjsPolicy {
  readonly arrayKeys?: readonly string[];
  readonly rules?: readonly FieldRule[];
}

/**
 * Merges the Yjs states of a document that is about to be written with the stored states at the same places, so
 * that no stale state replaces a newer one. A removed state stays removed, and a value that is no state replaces
 * the stored value. Pure; shares structure with the documents.
 *
 * Array items are matched as a merge would match them: by identity, or else as a sequence.
 *
 * @param before - `null` if there is no document
 * @param after - `null` if the write deletes it
 * @param patch - the merge patch that made `after` of `before`, if one did: places that it does not name are
 * skipped
 */
export function keepYjsStates<Doc extends JsonObject | null>(
  before: JsonObject | null,
  after: Doc,
  policy: YjsPolicy = {},
  patch?: JsonObject,
): Doc {
  if (before === null || after === null) return after;
  const { arrayKeys = ["id"], rules = [] } = policy;
  const place = { key: undefined, rules: compileRules(rules) };
  return keepStates({ arrayKeys }, place, before, after, patch) as Doc;
}

/**
 * Reports whether `next` writes a Yjs state at a place at which `first` has just left none. A separate write then
 * starts a new state there; one write of both would merge the state with the previous one.
 *
 * @param kind - a `patch` keeps places that it does not name; a `document` has no value there
 */
export function startsYjsState(
  kind: "document" | "patch",
  first: JsonObject,
  next: JsonObject,
  { rules = [] }: YjsPolicy = {},
): boolean {
  return startsState(kind, { key: undefined, rules: compileRules(rules) }, first, next);
}

interface Place {
  readonly key: string | number | undefined;
  readonly rules: RuleNode | undefined;
}

interface Context {
  readonly arrayKeys: readonly string[];
}

function keepStates(context: Context, place: Place, before: Json, after: Json, patch?: Json): Json {
  if (before === after) return after;
  if (typeof before === "string" && typeof after === "string") {
    return isState(place) ? (mergeYjsStates(before, after) ?? after) : after;
  }
  if (isJsonObject(before) && isJsonObject(after)) {
    let kept = after;
    const named = isJsonObject(patch) ? patch : undefined;
    for (const key in named ?? after) {
      const value = memberOf(after, key);
      const old = memberOf(before, key);
      // Most values are unchanged.
      if (value === undefined || old === undefined || old === value) continue;
      const merged = keepStates(context, placeIn(place, key), old, value, named?.[key]);
      if (merged === value) continue;
      if (kept === after) kept = { ...after };
      setMember(kept, key, merged);
    }
    return kept;
  }
  if (
    Array.isArray(before) &&
    Array.isArray(after) &&
    holdsState(place, before) &&
    holdsState(place, after)
  ) {
    const kept = [...after];
    for (const [from, to] of pairItems(context, place, before, after)) {
      const value = after[to] ?? null;
      kept[to] = keepStates(context, placeIn(place, to), before[from] ?? null, value);
    }
    return kept.every((item, index) => item === after[index]) ? after : kept;
  }
  return after;
}

/** The indices of the items that are the same in both arrays. */
function pairItems(
  { arrayKeys }: Context,
  { rules }: Place,
  before: Json[],
  after: Json[],
): [number, number][] {
  const keys = rules?.rule?.is === "items" ? [rules.rule.key, ...arrayKeys] : arrayKeys;
  const ids = identifyItems(
    { ancestor: undefined, remote: before, local: after },
    keys,
    createInterner(),
    true,
  );
  if (!ids) return [];
  const indexById = new Map(ids.remote.map((id, index) => [id, index]));
  const pairs = ids.local.flatMap((id, to): [number, number][] => {
    const from = indexById.get(id);
    return from === undefined ? [] : [[from, to]];
  });
  // Items without identity may have changed, their states above all.
  const [paired, pairedTo] = [new Set(pairs.map(([from]) => from)), new Set(pairs.map(([, to]) => to))];
  alignChanged(matchCommon(ids.remote, ids.local), before, after).forEach((to, from) => {
    if (to >= 0 && !paired.has(from) && !pairedTo.has(to)) pairs.push([from, to]);
  });
  return pairs;
}

function holdsState(place: Place, value: Json): boolean {
  if (typeof value === "string") return isState(place);
  if (Array.isArray(value)) return value.some((item, index) => holdsState(placeIn(place, index), item));
  if (!isJsonObject(value)) return false;
  return Object.entries(value).some(([key, inner]) => holdsState(placeIn(place, key), inner));
}

function startsState(kind: "document" | "patch", place: Place, first: Json, next: Json): boolean {
  if (isJsonObject(first) && isJsonObject(next)) {
    return Object.entries(next).some(([key, value]) => {
      const before = Object.hasOwn(first, key) ? first[key] : undefined;
      if (before === undefined) return kind === "document" && holdsState(placeIn(place, key), value);
      return startsState(kind, placeIn(place, key), before, value);
    });
  }
  if (typeof first === "string" && typeof next === "string") {
    return isState(place) && mergeYjsStates(first, next) === undefined;
  }
  return holdsState(place, next);
}

function isState({ key, rules }: Place): boolean {
  return rules?.rule === undefined ? key === YJS_KEY : rules.rule.is === "yjs";
}

function placeIn({ rules }: Place, key: string | number): Place {
  return { key, rules: stepInto(rules, key) };
}
