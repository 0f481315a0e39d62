import type { Version } from "../ids/ids.ts";
import type { Json, JsonObject } from "../document/json.ts";
import type { EditTimes } from "./edit-times.ts";
import { compileRules, type FieldRule } from "./field-rules.ts";
import {
  mergeDeletion,
  mergeValue,
  type DeleteVsEdit,
  type MergeContext,
  type OverlapScope,
  type Place,
  type ValueMerges,
} from "./merge-value.ts";
import { createBudget } from "./common-subsequence.ts";
import { createInterner } from "./interner.ts";
import { createEquality } from "./equality.ts";
import { NESTING_MAX, nestsDeeper } from "./nesting.ts";
import type { Side, Sides } from "./sides.ts";

/** A document as the input of a merge; `null` if it was deleted or never existed. */
export type Doc = JsonObject | null;

export interface MergeOptions {
  /** The side whose value wins if both sides changed the same place. Default `local`. */
  readonly prefer?: Side;
  /**
   * The newest edits of each side since the ancestor. If both changed the same place, the side with the newer edit
   * of that place wins, remote on equal times; `prefer` is then ignored. A place that was edited, and has its old
   * value again, counts as changed.
   */
  readonly times?: { readonly remote: EditTimes; readonly local: EditTimes };
  /** The winner if one side deleted a value that the other edited. Default `edit-wins`: no typed text disappears. */
  readonly deleteVsEdit?: DeleteVsEdit;
  /** Keys that identify the items of an array; the first that fits an array is used. Default `["id"]`. */
  readonly arrayKeys?: readonly string[];
  /** The kinds of values at some places: identified items, sets, counters, texts, versions, Yjs states. */
  readonly rules?: readonly FieldRule[];
}

/** A place that both sides changed, differently. */
export interface Overlap {
  /** RFC 6901 pointer into the merged document. A removed value is named by the place it would have. */
  readonly path: string;
  /**
   * Absent if the overlap is about the value at `path`. `order`: both sides moved items of the array at `path`, and
   * only their order was chosen. `run`: both sides rewrote a run of items that begins at `path`, and the values are
   * arrays of those items. `words`: both sides rewrote some words of the text at `path`, and the values are those
   * words.
   */
  readonly scope?: OverlapScope;
  /** The value on each side; the property is absent if that side has no value. */
  readonly ancestor?: Json;
  readonly remote?: Json;
  readonly local?: Json;
  /** The side whose value is in the merged document. */
  readonly chosen: Side;
  /** The choice is left to a person; until then `chosen` applies. */
  readonly undecided?: true;
  /** The version onto which the run was merged when its device received that version. Absent in a run's last merge. */
  readonly version?: Version;
}

export interface DocumentMerge {
  /** The merged document, `null` if it stays deleted. Shares structure with the inputs. */
  readonly document: Doc;
  readonly overlaps: Overlap[];
  /** True if there was no ancestor: only values of one side alone could be distinguished from edits. */
  readonly twoWay: boolean;
  /** True if any overlap is left to a person: the document is a proposal. */
  readonly undecided: boolean;
  /** The reason why the documents were not merged: the preferred side is then the proposal. Absent after a merge. */
  readonly error?: MergeError;
}

/** `nested_too_deep`: a document nests deeper than {@link NESTING_MAX} levels. */
export type MergeError = "nested_too_deep";

/**
 * Merges like `mergeDocument`, with the merges of texts, version strings and Yjs states as parameters. A caller that
 * leaves them out keeps their code out of a browser's bundle; such values are then ordinary ones.
 */
export function mergeThreeWay(
  documents: Sides<Doc>,
  options: MergeOptions = {},
  merges: ValueMerges = {},
): DocumentMerge {
  const overlaps: Overlap[] = [];
  const sides = {
    ancestor: documents.ancestor ?? undefined,
    remote: documents.remote ?? undefined,
    local: documents.local ?? undefined,
  };
  const twoWay = sides.ancestor === undefined;
  const context: MergeContext = {
    prefer: options.prefer ?? "local",
    times: options.times,
    deleteVsEdit: options.deleteVsEdit ?? "edit-wins",
    arrayKeys: options.arrayKeys ?? ["id"],
    rules: compileRules(options.rules ?? []),
    merges,
    twoWay,
    isSame: createEquality(),
    intern: createInterner(),
    budget: createBudget(),
    recordOverlap: (place, { ancestor, remote, local }, decision, scope) =>
      overlaps.push({
        path: toPointer(place),
        ...(scope && { scope }),
        ...(ancestor !== undefined && { ancestor }),
        ...(remote !== undefined && { remote }),
        ...(local !== undefined && { local }),
        ...decision,
      }),
  };
  if (Object.values(sides).some((side) => nestsDeeper(side, NESTING_MAX))) {
    const { prefer: chosen } = context;
    context.recordOverlap(undefined, sides, { chosen, undecided: true });
    return { document: sides[chosen] ?? null, overlaps, twoWay, undecided: true, error: "nested_too_deep" };
  }
  const deletes = (sides.remote === undefined) !== (sides.local === undefined);
  const merge = twoWay && deletes ? mergeDeletion : mergeValue;
  // Merging two objects, or one object and no value, gives an object or no value.
  const document = (merge(context, undefined, sides) ?? null) as Doc;
  return { document, overlaps, twoWay, undecided: overlaps.some(({ undecided }) => undecided) };
}

/** Writes a place as an RFC 6901 pointer. */
function toPointer(place: Place): string {
  const tokens: string[] = [];
  for (let at = place; at; at = at.holder)
    tokens.push(`/${String(at.key).replaceAll("~", "~0").replaceAll("/", "~1")}`);
  return tokens.toReversed().join("");
}
