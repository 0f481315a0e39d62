import { mergeThreeWay, type Doc, type DocumentMerge, type MergeOptions } from "../merge/merge-three-way.ts";
import { VALUE_MERGES } from "../kinds/value-merges.ts";
import { mergeYjsStates } from "../yjs/merge-yjs-states.ts";
import type { Sides } from "../merge/sides.ts";

export type { FieldRule } from "../merge/field-rules.ts";
export {
  mergeThreeWay,
  type Doc,
  type DocumentMerge,
  type MergeError,
  type MergeOptions,
  type Overlap,
} from "../merge/merge-three-way.ts";
export type { DeleteVsEdit, OverlapScope, YjsMerge } from "../merge/merge-value.ts";
export type { Side } from "../merge/sides.ts";

/**
 * Merges one document three ways: walks ancestor, remote and local together and keeps every change that only one
 * side made. Pure, leaves its inputs alone, and reads no clock and no store.
 *
 * Objects merge by key, arrays by identity or as sequences, and values named in `rules` by their kind. The same
 * change on both sides is no overlap. Time is about linear in the size of the documents. Nesting is followed by
 * recursion, to 1,024 levels, of which the protocol allows 64. Documents that nest deeper are not merged, and
 * `error` reports that.
 *
 * @param documents - `ancestor` is the version that the device started from, or `null` if it is unknown: the merge
 * is then two-way, keeps the values of either side, and treats one side's missing document as a deletion.
 * @throws RangeError for a rule whose path is no pointer; never because of a document.
 * @see Khanna, Kunal, Pierce, "A Formal Investigation of Diff3" (2007), for the definition of an overlap.
 */
export function mergeDocument(documents: Sides<Doc>, options: MergeOptions = {}): DocumentMerge {
  return mergeThreeWay(documents, options, { ...VALUE_MERGES, yjs: mergeYjsStates });
}
