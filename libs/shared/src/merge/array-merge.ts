import type { Json } from "../json/json.ts";
import type { Decision, Side, Sides } from "./sides.ts";

/** What merging an array asks of the merge that it is part of. */
export interface ArrayMerge {
  /** Whose value and order stand where both sides changed the same place. */
  readonly prefer: Side;
  /** Merges one item, at its index in the merged array; `undefined` stands for an item that is not there. */
  readonly mergeItem: (index: number, sides: Sides<Json | undefined>) => Json | undefined;
  /** Decides between the side that edited something and the other, which removed it. */
  readonly decideDeletion: (editor: Side) => Decision;
  /** Records that both sides moved an item, to different places. */
  readonly recordOrderOverlap: () => void;
  /** Records that both sides rewrote a run of items, which begins at an index of the merged array. */
  readonly recordRunOverlap: (index: number, run: Sides<readonly Json[]>, decision: Decision) => void;
}
