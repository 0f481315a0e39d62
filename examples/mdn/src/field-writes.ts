import { isDeepStrictEqual } from "node:util";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";

/** A field written by a device: the object keys that lead to it, and its new value; undefined removes it. */
export interface FieldWrite {
  readonly keys: readonly string[];
  readonly value: Json | undefined;
}

/** Computes the writes that turn `before` into `after`. Only objects are descended into: an array is one field. */
export function diffFields(
  before: JsonObject,
  after: JsonObject,
  keys: readonly string[] = [],
): FieldWrite[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => {
    const [was, is] = [before[name], after[name]];
    if (isDeepStrictEqual(was, is)) return [];
    const here = [...keys, name];
    return isJsonObject(was) && isJsonObject(is) ? diffFields(was, is, here) : [{ keys: here, value: is }];
  });
}

/** Builds one JSON Merge Patch (RFC 7396), in which `null` removes. */
export function buildMergePatch(writes: readonly FieldWrite[]): JsonObject {
  const patch: JsonObject = {};
  for (const { keys, value } of writes) writeField(patch, keys, value ?? null);
  return patch;
}

/** Writes a field in place, creating the objects on its path; undefined removes the field. */
export function writeField(target: JsonObject, keys: readonly string[], value: Json | undefined): void {
  const last = keys.at(-1);
  if (last === undefined) throw new Error("A field needs at least one key");
  let parent = target;
  for (const key of keys.slice(0, -1)) {
    const child = parent[key];
    parent = isJsonObject(child) ? child : (parent[key] = {});
  }
  if (value === undefined) delete parent[last];
  else parent[last] = value;
}

/** Reads a document's value at these keys, if all of them lead through objects. */
export function readField(document: JsonObject, keys: readonly string[]): Json | undefined {
  let value: Json | undefined = document;
  for (const key of keys) value = isJsonObject(value) ? value[key] : undefined;
  return value;
}

/** True if two writes overlap: the same field, or one inside the other. */
export function fieldsTouch(left: FieldWrite, right: FieldWrite): boolean {
  const shared = Math.min(left.keys.length, right.keys.length);
  return isDeepStrictEqual(left.keys.slice(0, shared), right.keys.slice(0, shared));
}
