import type { Json } from "../document/json.ts";

/** The deepest nesting of documents that can be merged: the merge follows it by recursion. */
export const NESTING_MAX = 1024;

/** Reports whether a value nests deeper than a number of levels; a scalar has no levels. */
export function nestsDeeper(value: Json | undefined, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  const isDeeper = (inner: Json | undefined) => typeof inner === "object" && nestsDeeper(inner, levels - 1);
  if (Array.isArray(value)) return value.some(isDeeper);
  // A list of all values would take longer than to look at each.
  for (const key in value) if (isDeeper(value[key])) return true;
  return false;
}
