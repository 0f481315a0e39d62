/** Any value that JSON can carry. */
export type Json = string | number | boolean | null | Json[] | JsonObject;

/** A JSON object: what a document is. */
export interface JsonObject {
  [key: string]: Json;
}

/** Tells a JSON object from arrays, scalars and `null`. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Deepest nesting of a document. */
export const DOCUMENT_DEPTH_MAX = 64;

/** How many containers stand inside each other: 0 for a scalar, 1 for an empty object. */
export function depthOf(value: Json): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Object.values(value).reduce<number>((deepest, inner) => Math.max(deepest, depthOf(inner)), 0);
}

/** Sets an object's own member: an assignment to `__proto__` would make none. */
export function setMember(object: JsonObject, key: string, value: Json): void {
  if (key !== "__proto__") object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
}

/** The value of an object's own member: one that every object inherits is none. */
export function memberOf(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** A copy that shares its members with the object. Of many members, none is made quicker. */
export function copyObject(object: JsonObject): JsonObject {
  const copy: JsonObject = {};
  for (const key in object) setMember(copy, key, object[key] ?? null);
  return copy;
}
