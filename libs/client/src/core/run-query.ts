import type { JsonObject } from "@syncline/shared/document";
import type { Snapshot } from "../public/documents.ts";
import type { Bounds, Query } from "../public/query.ts";

type AnyQuery = Query<JsonObject>;
type Value = string | number | boolean | null | undefined;

/** Filters, sorts and cuts the documents of a collection. Documents that compare equal are in the order of their ids. */
export function runQuery<T>(all: readonly Snapshot<T>[], query: Query<T>): Snapshot<T>[] {
  const { filter, limit = Infinity, after } = query;
  const found = all.filter(
    ({ data }) => matches(data as JsonObject, query as AnyQuery) && (filter === undefined || filter(data)),
  );
  found.sort((a, b) => compareBy(query as AnyQuery, a as Snapshot<JsonObject>, b as Snapshot<JsonObject>));
  const start = after === undefined ? 0 : found.findIndex(({ id }) => id === after) + 1;
  return found.slice(start, start + limit);
}

function matches(data: JsonObject, { where = {} }: AnyQuery): boolean {
  return Object.entries(where).every(([key, condition]) => {
    const value = data[key] as Value;
    if (typeof condition !== "object" || condition === null) return value === condition;
    const { gt, gte, lt, lte, in: list } = condition as Bounds<Value>;
    return (
      (gt === undefined || isOrdered(value, gt, (order) => order > 0)) &&
      (gte === undefined || isOrdered(value, gte, (order) => order >= 0)) &&
      (lt === undefined || isOrdered(value, lt, (order) => order < 0)) &&
      (lte === undefined || isOrdered(value, lte, (order) => order <= 0)) &&
      (list === undefined || list.includes(value))
    );
  });
}

/** Values of two types have no order, and are in no range of each other. */
function isOrdered(value: Value, bound: Value, test: (order: number) => boolean): boolean {
  return typeof value === typeof bound && test(compareValues(value, bound));
}

const TYPES = ["undefined", "object", "boolean", "number", "string"];

function compareValues(a: Value, b: Value): number {
  if (typeof a !== typeof b) return TYPES.indexOf(typeof a) - TYPES.indexOf(typeof b);
  if (a === b || a == null || b == null) return 0;
  return a < b ? -1 : 1;
}

function compareBy({ orderBy = {} }: AnyQuery, a: Snapshot<JsonObject>, b: Snapshot<JsonObject>): number {
  for (const [key, direction] of Object.entries(orderBy)) {
    const order = compareValues(a.data[key] as Value, b.data[key] as Value);
    if (order !== 0) return direction === "desc" ? -order : order;
  }
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}
