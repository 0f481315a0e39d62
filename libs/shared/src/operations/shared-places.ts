import { WHOLE, type Places } from "../document/json-text.ts";

/** A step into an array. Items move, so two steps into one array may edit the same item. */
const INDEX = /^(?:-|0|[1-9]\d*)$/;
/** The most members of a value whose places are kept apart. */
const PLACES_MAX = 100;

/**
 * Reports whether two operations on a document may edit the same place, or one of them a place within the other's. May
 * report true for places that only look alike.
 */
export function sharePlaces(one: Places, other: Places): boolean {
  return share(withoutId(one), withoutId(other));
}

/** Returns all places of two operations that share none. */
export function joinPlaces(one: Places, other: Places): Places {
  if (one === WHOLE || other === WHOLE || one.size + other.size > PLACES_MAX) return WHOLE;
  const joined = new Map(one);
  for (const [key, inner] of other) {
    const same = joined.get(key);
    joined.set(key, same === undefined ? inner : joinPlaces(same, inner));
  }
  return joined;
}

/** No operation changes a document's `id`. */
function withoutId(places: Places): Places {
  if (places === WHOLE || !places.has("id") || places.size === 1) return places;
  const others = new Map(places);
  others.delete("id");
  return others;
}

function share(one: Places, other: Places): boolean {
  if (one === WHOLE || other === WHOLE || one.size === 0 || other.size === 0) return true;
  if (hasIndex(one) && hasIndex(other)) return true;
  return [...one].some(([key, inner]) => {
    const same = other.get(key);
    return same !== undefined && share(inner, same);
  });
}

function hasIndex(places: ReadonlyMap<string, Places>): boolean {
  return [...places.keys()].some((key) => INDEX.test(key));
}
