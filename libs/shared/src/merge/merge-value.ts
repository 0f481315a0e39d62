import { jsonEqual } from "../document/json-equal.ts";
import { isJsonObject, type Json, type JsonObject } from "../document/json.ts";
import { indexByKey, indexStep, isEdited, itemStep, ORDER, timeAt, type EditTimes } from "./edit-times.ts";
import { stepInto, YJS_KEY, type FieldRule, type RuleNode } from "./field-rules.ts";
import type { SearchBudget } from "./common-subsequence.ts";
import type { Intern } from "./interner.ts";
import { mergeArray } from "./merge-array.ts";
import { mergeCounter } from "./merge-counter.ts";
import { mergeSet } from "./merge-set.ts";
import type { Decision, EditedSides, Side, Sides } from "./sides.ts";

/** A value at one place of a document, or `undefined` if the document has no value there. */
export type Slot = Json | undefined;

/**
 * The outcome if one side deleted a value and the other edited it: the edited value, local's side, or the deletion.
 * `park` leaves it to a person, and until then the edit applies.
 */
export type DeleteVsEdit = "edit-wins" | "local-wins" | "delete-wins" | "park";

/** Merges two Yjs states, or returns `undefined` if one of them is no state. */
export type YjsMerge = (remote: string, local: string) => string | undefined;

/** The callbacks and settings that merging a text takes from the enclosing merge. */
export interface TextContext {
  /** The side whose words win if both sides rewrote the same ones. */
  readonly prefer: Side;
  readonly budget: SearchBudget;
  /** Decides between the side that rewrote something and the other, which removed it. */
  readonly decideDeletion: (editor: Side) => Decision;
  /** Records that both sides rewrote the same words. */
  readonly recordOverlap: (words: Sides<string>, decision: Decision) => void;
}

/** Merges a text that both sides wrote in. */
export type TextMerge = (texts: Sides<string>, context: TextContext) => string;

/** The merges of kinds of values that take more code than most callers need. Without them, one side's value is chosen. */
export interface ValueMerges {
  readonly text?: TextMerge;
  /** Returns the higher of two version strings, or `undefined` if one of them is none. */
  readonly version?: (remote: string, local: string) => string | undefined;
  readonly yjs?: YjsMerge;
}

/** The settings of one merge, and the collector of its overlaps. */
export interface MergeContext {
  readonly prefer: Side;
  /** Edit times that decide in place of `prefer`, if given. */
  readonly times: { readonly remote: EditTimes; readonly local: EditTimes } | undefined;
  readonly deleteVsEdit: DeleteVsEdit;
  readonly arrayKeys: readonly string[];
  readonly rules: RuleNode | undefined;
  readonly merges: ValueMerges;
  readonly twoWay: boolean;
  readonly isSame: (a: Slot, b: Slot) => boolean;
  readonly intern: Intern;
  /** The step budget that all searches of this merge share. */
  readonly budget: SearchBudget;
  readonly recordOverlap: (
    place: Place,
    sides: Sides<Slot>,
    decision: Decision,
    scope?: OverlapScope,
  ) => void;
}

/** The subject of an overlap if it is not the value at its place. */
export type OverlapScope = "order" | "run" | "words";

/** The position of a value in the merged document: a key or index in its holder; `undefined` is the root. */
export type Place =
  | {
      readonly holder: Place;
      readonly key: string | number;
      readonly rules: RuleNode | undefined;
      /**
       * The place in its holder as {@link EditTimes} names it; `undefined` if it cannot be distinguished from its
       * neighbours.
       */
      readonly step: string | undefined;
    }
  | undefined;

/** Merges the values at one place, depending on their kind. */
export function mergeValue(context: MergeContext, place: Place, sides: Sides<Slot>): Slot {
  const { isSame } = context;
  const { ancestor, remote, local } = sides;
  const rules = rulesAt(context, place);
  if (!rules?.counts && isSame(remote, local)) return remote;
  if (isSame(ancestor, remote) && !isChangedBack(context, place, "remote", ancestor)) return local;
  if (isSame(ancestor, local) && !isChangedBack(context, place, "local", ancestor)) return remote;
  if (remote === undefined || local === undefined) {
    return remote === local ? undefined : mergeDeletion(context, place, sides);
  }
  if (isJsonObject(remote) && isJsonObject(local) && (ancestor === undefined || isJsonObject(ancestor))) {
    return mergeObject(context, place, { ancestor, remote, local });
  }
  if (Array.isArray(remote) && Array.isArray(local) && (ancestor === undefined || Array.isArray(ancestor))) {
    return mergeArrayAt(context, place, { ancestor, remote, local });
  }
  const merged = mergeByRule(context, place, sides);
  if (merged !== undefined) return merged;
  // Two equal steps of a counter that cannot be added up are two changes, of which one is lost.
  if (equalSlots(remote, local) && !countedSides(context, place, sides)) return remote;
  return chooseWhole(context, place, sides);
}

/** The side whose value wins at a place that both changed. */
function preferredAt({ prefer, times }: MergeContext, place: Place): Side {
  if (times === undefined) return prefer;
  const path = stepsTo(place);
  return newerSide(timeAt(times.remote, path), timeAt(times.local, path));
}

/**
 * The side whose order of an array wins, and whose items win if both changed a run of them. If a key identifies the
 * items, their order is a place of its own; otherwise the array is one place.
 */
function preferredInArray({ prefer, times }: MergeContext, place: Place, key: string | undefined): Side {
  if (times === undefined) return prefer;
  const path = stepsTo(place);
  const timeOf = (side: EditTimes) => {
    const ordered = key === undefined ? undefined : timeAt(side, [...path, ORDER]);
    return ordered === undefined ? timeAt(side, path) : ordered;
  };
  return newerSide(timeOf(times.remote), timeOf(times.local));
}

/** The side with the newer time; a missing time is the oldest. */
function newerSide(remote: number | null | undefined, local: number | null | undefined): Side {
  return (local ?? -1) > (remote ?? -1) ? "local" : "remote";
}

/** Reports whether a side edited a place that has the ancestor's value again. */
function isChangedBack({ times }: MergeContext, place: Place, side: Side, ancestor: Slot): boolean {
  return times !== undefined && ancestor !== undefined && isEdited(times[side], stepsTo(place));
}

function stepsTo(place: Place): (string | undefined)[] {
  const steps: (string | undefined)[] = [];
  for (let at = place; at; at = at.holder) steps.push(at.step);
  return steps.toReversed();
}

/** Merges a value that one side deleted with the other side's value. */
export function mergeDeletion(context: MergeContext, place: Place, sides: Sides<Slot>): Slot {
  const decision = decideDeletion(context, sides.remote === undefined ? "local" : "remote");
  context.recordOverlap(place, sides, decision);
  return sides[decision.chosen];
}

function decideDeletion({ deleteVsEdit }: MergeContext, editor: Side): Decision {
  switch (deleteVsEdit) {
    case "edit-wins":
      return { chosen: editor };
    case "local-wins":
      return { chosen: "local" };
    case "delete-wins":
      return { chosen: editor === "local" ? "remote" : "local" };
    case "park":
      return { chosen: editor, undecided: true };
    default:
      return deleteVsEdit satisfies never;
  }
}

/** Merges a scalar according to the kind of its place, or returns `undefined` if a value is not of that kind. */
function mergeByRule(context: MergeContext, place: Place, sides: Sides<Slot>): Slot {
  const { ancestor, remote, local } = sides;
  const kind = kindAt(context, place);
  switch (kind) {
    case "counter": {
      const counted = countedSides(context, place, sides);
      return counted && mergeCounter(counted);
    }
    case "text": {
      if (typeof ancestor !== "string" || typeof remote !== "string" || typeof local !== "string") {
        return undefined;
      }
      return context.merges.text?.(
        { ancestor, remote, local },
        {
          prefer: preferredAt(context, place),
          budget: context.budget,
          decideDeletion: (editor) => decideDeletion(context, editor),
          recordOverlap: (words, decision) => context.recordOverlap(place, words, decision, "words"),
        },
      );
    }
    case "version":
      return typeof remote === "string" && typeof local === "string"
        ? context.merges.version?.(remote, local)
        : undefined;
    case "yjs":
      return typeof remote === "string" && typeof local === "string"
        ? context.merges.yjs?.(remote, local)
        : undefined;
    case "items":
    case "set":
    case undefined:
      return undefined;
    default:
      return kind satisfies never;
  }
}

/**
 * The numbers of a counter. A counter that is new on both sides starts at 0; one whose past is unknown cannot be
 * added up.
 */
function countedSides(
  context: MergeContext,
  place: Place,
  { ancestor = 0, remote, local }: Sides<Slot>,
): Sides<number> | undefined {
  const counts = !context.twoWay && kindAt(context, place) === "counter";
  return counts && typeof ancestor === "number" && typeof remote === "number" && typeof local === "number"
    ? { ancestor, remote, local }
    : undefined;
}

function mergeArrayAt(context: MergeContext, place: Place, sides: EditedSides<Json[]>): Json[] {
  const rules = rulesAt(context, place);
  const { arrayKeys, intern, budget, times } = context;
  const keys = rules?.rule?.is === "items" ? [rules.rule.key, ...arrayKeys] : arrayKeys;
  const key = times && commonKey(sides, keys);
  const prefer = preferredInArray(context, place, key);
  if (rules?.rule?.is === "set") return mergeSet(sides, prefer, intern);
  const stepOf = stepsInArray(context, sides, key);
  return mergeArray(sides, keys, {
    prefer,
    intern,
    budget,
    mergeItem: (index, items, isGuess) => {
      const at = placeIn(place, index, rules, stepOf(index, items));
      return isGuess && isDoubtful(context, items)
        ? chooseWhole(context, at, items)
        : mergeValue(context, at, items);
    },
    decideDeletion: (editor) => decideDeletion(context, editor),
    recordOrderOverlap: () => context.recordOverlap(place, sides, { chosen: prefer }, "order"),
    recordRunOverlap: (index, { ancestor, remote, local }, decision) =>
      context.recordOverlap(
        placeIn(place, index, rules),
        { ancestor: [...ancestor], remote: [...remote], local: [...local] },
        decision,
        "run",
      ),
  });
}

/** Reports whether both sides changed an object that may be two: one side may have replaced it with another object. */
function isDoubtful({ isSame }: MergeContext, { ancestor, remote, local }: Sides<Slot>): boolean {
  return (
    isJsonObject(ancestor) &&
    isJsonObject(remote) &&
    isJsonObject(local) &&
    !isSame(remote, local) &&
    !isSame(ancestor, remote) &&
    !isSame(ancestor, local)
  );
}

/** Takes one side's value as it is, so that the result is a value that one side wrote. */
function chooseWhole(context: MergeContext, place: Place, sides: Sides<Slot>): Slot {
  const chosen = preferredAt(context, place);
  context.recordOverlap(place, sides, { chosen });
  return sides[chosen];
}

/** The first key that identifies the items of every side. */
function commonKey(
  { ancestor = [], remote, local }: EditedSides<Json[]>,
  keys: readonly string[],
): string | undefined {
  return keys.find((key) => [ancestor, remote, local].every((items) => indexByKey(items, key)));
}

/**
 * Returns the function that names the places of an array's items: by identity, or by index in an array that kept
 * its length.
 */
function stepsInArray(
  { times }: MergeContext,
  { ancestor, remote, local }: EditedSides<Json[]>,
  key: string | undefined,
): (index: number, items: Sides<Slot>) => string | undefined {
  if (times === undefined) return () => undefined;
  if (key !== undefined) return (_, items) => itemStep(key, items.remote ?? items.local ?? items.ancestor);
  const isSameLength = remote.length === local.length && remote.length === (ancestor ?? remote).length;
  // An item that was matched at another index has no name.
  const isThere = (index: number, items: Sides<Slot>) =>
    items.remote === remote[index] &&
    items.local === local[index] &&
    (ancestor === undefined || items.ancestor === ancestor[index]);
  return (index, items) => (isSameLength && isThere(index, items) ? indexStep(index) : undefined);
}

function mergeObject(
  context: MergeContext,
  place: Place,
  { ancestor, remote, local }: EditedSides<JsonObject>,
): JsonObject {
  const rules = rulesAt(context, place);
  const merged: JsonObject = {};
  const mergeKey = (key: string) => {
    // Most is the same on both sides: no rule, no place.
    if (rules === undefined && Object.hasOwn(local, key) && Object.is(remote[key], local[key])) {
      defineOwn(merged, key, local[key] ?? null);
      return;
    }
    const value = mergeValue(context, placeIn(place, key, rules, key), {
      ancestor: readOwn(ancestor, key),
      remote: readOwn(remote, key),
      local: readOwn(local, key),
    });
    if (value !== undefined) defineOwn(merged, key, value);
  };
  for (const key of Object.keys(remote)) mergeKey(key);
  for (const key of Object.keys(local)) if (!Object.hasOwn(remote, key)) mergeKey(key);
  return merged;
}

function rulesAt(context: MergeContext, place: Place): RuleNode | undefined {
  return place ? place.rules : context.rules;
}

function placeIn(holder: Place, key: string | number, rules: RuleNode | undefined, step?: string): Place {
  return { holder, key, rules: stepInto(rules, key), step };
}

function kindAt(context: MergeContext, place: Place): FieldRule["is"] | undefined {
  return rulesAt(context, place)?.rule?.is ?? (place?.key === YJS_KEY ? "yjs" : undefined);
}

function equalSlots(a: Slot, b: Slot): boolean {
  return a === b || (a !== undefined && b !== undefined && jsonEqual(a, b));
}

/** Reads an own key, which may have the name of an inherited property. */
function readOwn(object: JsonObject | undefined, key: string): Slot {
  return object && Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Sets an own key. Assigning to `__proto__` would set the prototype instead. */
function defineOwn(object: JsonObject, key: string, value: Json): void {
  if (key !== "__proto__") object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
