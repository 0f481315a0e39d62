import type { Json } from "../json/json.ts";

/** How deep documents may nest that are merged: the merge follows them by recursion. */
export const NESTING_MAX = 1024;

/** Whether a value nests deeper than some levels; a scalar has none. */
export function nestsDeeper(value: Json | undefined, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  const values = Array.isArray(value) ? value : Object.values(value);
  return values.some((inner) => typeof inner === "object" && nestsDeeper(inner, levels - 1));
}
