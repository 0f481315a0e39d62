import { jsonEqual } from "../json/json-equal.ts";
import { isJsonObject, type Json, type JsonObject } from "../json/json.ts";
import { mergeArray } from "./merge-array.ts";
import type { EditedSides, Side, Sides } from "./sides.ts";

/** A value at one place of a document, or `undefined` where the document has nothing there. */
export type Slot = Json | undefined;

/** Decides between a side that edited something and the other, which deleted it. */
export type DeleteVsEdit = "edit-wins" | "delete-wins" | "local-wins";

/** What one merge carries along: its settings, and where overlaps are collected. */
export interface MergeContext {
  readonly prefer: Side;
  readonly deleteVsEdit: DeleteVsEdit;
  readonly arrayKeys: readonly string[];
  readonly recordOverlap: (place: Place, sides: Sides<Slot>, chosen: Side, scope?: OverlapScope) => void;
}

/** What an overlap is about when it is not the value at its place. */
export type OverlapScope = "order" | "run";

/** Where a value stands in the merged document: a key or index in what holds it; `undefined` is the root. */
export type Place = { readonly holder: Place; readonly key: string | number } | undefined;

/**
 * Merges the values at one place. This is where the kinds of value part: a kind that merges in its own way (text,
 * counters, CRDT states) gets its branch here, before the overlap that ends it.
 */
export function mergeValue(context: MergeContext, place: Place, sides: Sides<Slot>): Slot {
  const { ancestor, remote, local } = sides;
  if (equalSlots(remote, local)) return remote;
  if (equalSlots(ancestor, remote)) return local;
  if (equalSlots(ancestor, local)) return remote;
  if (remote === undefined || local === undefined) return mergeDeletion(context, place, sides);
  if (isJsonObject(remote) && isJsonObject(local) && (ancestor === undefined || isJsonObject(ancestor))) {
    return mergeObject(context, place, { ancestor, remote, local });
  }
  if (Array.isArray(remote) && Array.isArray(local) && (ancestor === undefined || Array.isArray(ancestor))) {
    return mergeArray({ ancestor, remote, local }, context.arrayKeys, {
      prefer: context.prefer,
      mergeItem: (index, items) => mergeValue(context, { holder: place, key: index }, items),
      chooseOverDeletion: (editor) => chooseOverDeletion(context, editor),
      recordOrderOverlap: () => context.recordOverlap(place, sides, context.prefer, "order"),
      recordRunOverlap: (index, { ancestor, remote, local }, chosen) =>
        context.recordOverlap(
          { holder: place, key: index },
          { ancestor: [...ancestor], remote: [...remote], local: [...local] },
          chosen,
          "run",
        ),
    });
  }
  context.recordOverlap(place, sides, context.prefer);
  return sides[context.prefer];
}

/** Merges a value that one side deleted with what the other made of it. */
export function mergeDeletion(context: MergeContext, place: Place, sides: Sides<Slot>): Slot {
  const chosen = chooseOverDeletion(context, sides.remote === undefined ? "local" : "remote");
  context.recordOverlap(place, sides, chosen);
  return sides[chosen];
}

function chooseOverDeletion({ deleteVsEdit }: MergeContext, editor: Side): Side {
  if (deleteVsEdit === "local-wins") return "local";
  if (deleteVsEdit === "edit-wins") return editor;
  return editor === "local" ? "remote" : "local";
}

function mergeObject(
  context: MergeContext,
  place: Place,
  { ancestor, remote, local }: EditedSides<JsonObject>,
): JsonObject {
  const merged: JsonObject = {};
  const mergeKey = (key: string) => {
    const value = mergeValue(
      context,
      { holder: place, key },
      { ancestor: readOwn(ancestor, key), remote: readOwn(remote, key), local: readOwn(local, key) },
    );
    if (value !== undefined) defineOwn(merged, key, value);
  };
  for (const key of Object.keys(remote)) mergeKey(key);
  for (const key of Object.keys(local)) if (!Object.hasOwn(remote, key)) mergeKey(key);
  return merged;
}

function equalSlots(a: Slot, b: Slot): boolean {
  return a === b || (a !== undefined && b !== undefined && jsonEqual(a, b));
}

/** Reads a key that may be named like something every object inherits. */
function readOwn(object: JsonObject | undefined, key: string): Slot {
  return object && Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Assigning to `__proto__` would set the prototype instead of the key. */
function defineOwn(object: JsonObject, key: string, value: Json): void {
  if (key !== "__proto__") object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
