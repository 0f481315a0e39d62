import type { Json } from "../json/json.ts";

/** The deepest nesting of documents that can be merged: the merge follows it by recursion. */
export const NESTING_MAX = 1024;

/** Reports whether a value nests deeper than a number of levels; a scalar has no levels. */
export function nestsDeeper(value: Json | undefined, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  const values = Array.isArray(value) ? value : Object.values(value);
  return values.some((inner) => typeof inner === "object" && nestsDeeper(inner, levels - 1));
}
