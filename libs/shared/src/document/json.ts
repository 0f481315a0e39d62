/** Any value that JSON can carry. */
export type Json = string | number | boolean | null | Json[] | JsonObject;

/** A JSON object, the type of every document. */
export interface JsonObject {
  [key: string]: Json;
}

/** Reports whether a value is a JSON object, rather than an array, a scalar or `null`. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The deepest nesting of a document. */
export const DOCUMENT_DEPTH_MAX = 64;

/** The depth of nested containers: 0 for a scalar, 1 for an empty object. */
export function depthOf(value: Json): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Object.values(value).reduce<number>((deepest, inner) => Math.max(deepest, depthOf(inner)), 0);
}

/** Sets an object's own member. An assignment to `__proto__` would not create one. */
export function setMember(object: JsonObject, key: string, value: Json): void {
  if (key !== "__proto__") object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
}

/** The value of an object's own member, ignoring inherited ones. */
export function memberOf(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Copies an object and shares its members. For many members no other way is faster. */
export function copyObject(object: JsonObject): JsonObject {
  const copy: JsonObject = {};
  for (const key in object) setMember(copy, key, object[key] ?? null);
  return copy;
}
