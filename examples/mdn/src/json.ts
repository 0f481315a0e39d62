/** Any JSON value. */
export type Json = string | number | boolean | null | Json[] | JsonObject;

/** A JSON object, the type of a document. */
export interface JsonObject {
  [key: string]: Json;
}

/** True for a JSON object; false for arrays, scalars, `null` and undefined. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
