import type { Json, JsonObject } from "../json/json.ts";
import {
  mergeDeletion,
  mergeValue,
  type DeleteVsEdit,
  type MergeContext,
  type OverlapScope,
  type Place,
} from "./merge-value.ts";
import type { Side, Sides } from "./sides.ts";

export type { DeleteVsEdit, OverlapScope } from "./merge-value.ts";
export type { Side } from "./sides.ts";

/** A document as a merge sees it; `null` when it was deleted or never there. */
export type Doc = JsonObject | null;

export interface MergeOptions {
  /** Whose value stands where both sides changed the same place. Default `local`. */
  readonly prefer?: Side;
  /** What happens where one side deleted what the other edited. Default `edit-wins`: nothing anyone typed disappears. */
  readonly deleteVsEdit?: DeleteVsEdit;
  /** Keys that identify the items of an array, the first that fits an array wins. Default `["id"]`. */
  readonly arrayKeys?: readonly string[];
}

/** A place that both sides changed, differently. */
export interface Overlap {
  /** RFC 6901 pointer into the merged document. Something that was removed is named by the place it would have. */
  readonly path: string;
  /**
   * Absent when the overlap is about the value at `path`. `order`: both sides moved items of the array at `path`, and
   * only their order was chosen. `run`: both sides rewrote a run of items that begins at `path`, and the values are
   * arrays of those items.
   */
  readonly scope?: OverlapScope;
  /** The value on each side; the property is absent where that side has nothing. */
  readonly ancestor?: Json;
  readonly remote?: Json;
  readonly local?: Json;
  /** The side whose value is in the merged document. */
  readonly chosen: Side;
}

export interface DocumentMerge {
  /** The merged document, `null` when it stays deleted. Shares structure with the inputs. */
  readonly document: Doc;
  readonly overlaps: Overlap[];
  /** True when there was no ancestor, so that only what is on one side alone could be told from an edit. */
  readonly twoWay: boolean;
}

/**
 * Merges one document three ways: walks ancestor, remote and local together and keeps every change that only one side
 * made. Pure, leaves its inputs alone, and reads no clock and no store.
 *
 * Objects merge by key, arrays by identity or as sequences; the same change on both sides is no overlap. Time is about
 * linear in the size of the documents times their depth; nesting is followed by recursion, well past the 64 levels that
 * the protocol allows.
 *
 * @param documents - `ancestor` is the version the device started from, or `null` when it is unknown: the merge is then
 *   two-way, keeps what either side has, and treats one side's missing document as a deletion.
 * @see Khanna, Kunal, Pierce, "A Formal Investigation of Diff3" (2007), for what an overlap is.
 */
export function mergeDocument(documents: Sides<Doc>, options: MergeOptions = {}): DocumentMerge {
  const overlaps: Overlap[] = [];
  const context: MergeContext = {
    prefer: options.prefer ?? "local",
    deleteVsEdit: options.deleteVsEdit ?? "edit-wins",
    arrayKeys: options.arrayKeys ?? ["id"],
    recordOverlap: (place, { ancestor, remote, local }, chosen, scope) =>
      overlaps.push({
        path: toPointer(place),
        ...(scope && { scope }),
        ...(ancestor !== undefined && { ancestor }),
        ...(remote !== undefined && { remote }),
        ...(local !== undefined && { local }),
        chosen,
      }),
  };
  const sides = {
    ancestor: documents.ancestor ?? undefined,
    remote: documents.remote ?? undefined,
    local: documents.local ?? undefined,
  };
  const twoWay = sides.ancestor === undefined;
  const deletes = (sides.remote === undefined) !== (sides.local === undefined);
  const merge = twoWay && deletes ? mergeDeletion : mergeValue;
  // What comes out of two objects, or of one and nothing, is an object or nothing.
  const document = (merge(context, undefined, sides) ?? null) as Doc;
  return { document, overlaps, twoWay };
}

/** Writes a place as an RFC 6901 pointer. */
function toPointer(place: Place): string {
  const tokens: string[] = [];
  for (let at = place; at; at = at.holder)
    tokens.push(`/${String(at.key).replaceAll("~", "~0").replaceAll("/", "~1")}`);
  return tokens.toReversed().join("");
}
