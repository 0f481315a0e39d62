import { isJsonObject, jsonEqual, memberOf, type Json, type JsonObject } from "@syncline/shared/document";

/**
 * Reports whether a view has the new value at every place that differs between two states of a document. Objects are
 * compared by member, all other values whole. `undefined`: no value.
 */
export function showsChanges(
  view: Json | undefined,
  before: Json | undefined,
  after: Json | undefined,
): boolean {
  if (isEqual(before, after) || isEqual(view, after)) return true;
  if (!isObject(view) || !isObject(before) || !isObject(after)) return false;
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].every((key) =>
    showsChanges(memberOf(view, key), memberOf(before, key), memberOf(after, key)),
  );
}

const isObject = (value: Json | undefined): value is JsonObject => value !== undefined && isJsonObject(value);

function isEqual(one: Json | undefined, other: Json | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && jsonEqual(one, other));
}
