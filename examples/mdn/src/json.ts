/** Any value that JSON can carry. */
export type Json = string | number | boolean | null | Json[] | JsonObject;

/** A JSON object: what a document is. */
export interface JsonObject {
  [key: string]: Json;
}

/** Tells a JSON object from arrays, scalars, `null` and nothing. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
