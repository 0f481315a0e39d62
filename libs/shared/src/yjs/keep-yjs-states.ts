import { isJsonObject, memberOf, setMember, type Json, type JsonObject } from "../document/json.ts";
import { alignChanged } from "../merge/align-items.ts";
import { matchCommon } from "../merge/common-subsequence.ts";
import { identifyItems } from "../merge/identify-items.ts";
import { createInterner } from "../merge/interner.ts";
import {
  holdsYjsState,
  isYjsPlace,
  yjsPlaceIn,
  yjsRoot,
  type YjsPlace,
  type YjsPolicy,
} from "../effects/yjs-places.ts";
import { mergeYjsStates } from "./merge-yjs-states.ts";

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
  const { arrayKeys = ["id"] } = policy;
  return keepStates({ arrayKeys }, yjsRoot(policy), before, after, patch) as Doc;
}

interface Context {
  readonly arrayKeys: readonly string[];
}

function keepStates(context: Context, place: YjsPlace, before: Json, after: Json, patch?: Json): Json {
  if (before === after) return after;
  if (typeof before === "string" && typeof after === "string") {
    return isYjsPlace(place) ? (mergeYjsStates(before, after) ?? after) : after;
  }
  if (isJsonObject(before) && isJsonObject(after)) {
    let kept = after;
    const named = isJsonObject(patch) ? patch : undefined;
    for (const key in named ?? after) {
      const value = memberOf(after, key);
      const old = memberOf(before, key);
      // Most values are unchanged.
      if (value === undefined || old === undefined || old === value) continue;
      const merged = keepStates(context, yjsPlaceIn(place, key), old, value, named?.[key]);
      if (merged === value) continue;
      if (kept === after) kept = { ...after };
      setMember(kept, key, merged);
    }
    return kept;
  }
  if (
    Array.isArray(before) &&
    Array.isArray(after) &&
    holdsYjsState(place, before) &&
    holdsYjsState(place, after)
  ) {
    const kept = [...after];
    for (const [from, to] of pairItems(context, place, before, after)) {
      const value = after[to] ?? null;
      kept[to] = keepStates(context, yjsPlaceIn(place, to), before[from] ?? null, value);
    }
    return kept.every((item, index) => item === after[index]) ? after : kept;
  }
  return after;
}

/** The indices of the items that are the same in both arrays. */
function pairItems(
  { arrayKeys }: Context,
  { rules }: YjsPlace,
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
