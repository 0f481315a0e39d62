import type { Json, JsonObject } from "../json/json.ts";
import type { EditTimes } from "./edit-times.ts";
import { compileRules, type FieldRule } from "./field-rules.ts";
import {
  mergeDeletion,
  mergeValue,
  type DeleteVsEdit,
  type MergeContext,
  type OverlapScope,
  type Place,
  type YjsMerge,
} from "./merge-value.ts";
import { createBudget } from "./common-subsequence.ts";
import { createInterner } from "./interner.ts";
import { createEquality } from "./equality.ts";
import { NESTING_MAX, nestsDeeper } from "./nesting.ts";
import type { Side, Sides } from "./sides.ts";

/** A document as a merge sees it; `null` when it was deleted or never there. */
export type Doc = JsonObject | null;

export interface MergeOptions {
  /** Whose value stands where both sides changed the same place. Default `local`. */
  readonly prefer?: Side;
  /**
   * The newest edits of each side since the ancestor: where both changed the same place, the side with the newer edit of that
   * place stands, remote's if they are equal. `prefer` is then not asked. A place that was edited, and has its old value again, is
   * changed, too.
   */
  readonly times?: { readonly remote: EditTimes; readonly local: EditTimes };
  /** What stands where one side deleted what the other edited. Default `edit-wins`: nothing anyone typed disappears. */
  readonly deleteVsEdit?: DeleteVsEdit;
  /** Keys that identify the items of an array, the first that fits an array wins. Default `["id"]`. */
  readonly arrayKeys?: readonly string[];
  /** What the values at some places are: the identity of an array's items, sets, counters, texts, Yjs states. */
  readonly rules?: readonly FieldRule[];
}

/** A place that both sides changed, differently. */
export interface Overlap {
  /** RFC 6901 pointer into the merged document. Something that was removed is named by the place it would have. */
  readonly path: string;
  /**
   * Absent when the overlap is about the value at `path`. `order`: both sides moved items of the array at `path`, and
   * only their order was chosen. `run`: both sides rewrote a run of items that begins at `path`, and the values are
   * arrays of those items. `words`: both sides rewrote some words of the text at `path`, and the values are those words.
   */
  readonly scope?: OverlapScope;
  /** The value on each side; the property is absent where that side has nothing. */
  readonly ancestor?: Json;
  readonly remote?: Json;
  readonly local?: Json;
  /** The side whose value is in the merged document. */
  readonly chosen: Side;
  /** The choice is left to a person: `chosen` is what stands until then. */
  readonly undecided?: true;
  /** The version onto which the run was merged when its device received that one. Absent in a run's last merge. */
  readonly version?: number;
}

export interface DocumentMerge {
  /** The merged document, `null` when it stays deleted. Shares structure with the inputs. */
  readonly document: Doc;
  readonly overlaps: Overlap[];
  /** True when there was no ancestor, so that only what is on one side alone could be told from an edit. */
  readonly twoWay: boolean;
  /** Some overlap, anywhere, is left to a person: the document is a proposal. */
  readonly undecided: boolean;
  /** The reason why nothing was merged: then the preferred side is the proposal. Absent after a merge. */
  readonly error?: MergeError;
}

/** `nested_too_deep`: a document nests deeper than {@link NESTING_MAX} levels. */
export type MergeError = "nested_too_deep";

/**
 * Merges like `mergeDocument`, with the merging of Yjs states handed in: whoever has none leaves it out, and Yjs out of
 * what a browser loads. States are then values like any other.
 */
export function mergeThreeWay(
  documents: Sides<Doc>,
  options: MergeOptions = {},
  mergeYjs?: YjsMerge,
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
    mergeYjs,
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
  // What comes out of two objects, or of one and nothing, is an object or nothing.
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
