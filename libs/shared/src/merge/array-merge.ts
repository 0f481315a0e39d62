import type { Json } from "../document/json.ts";
import type { SearchBudget } from "./common-subsequence.ts";
import type { Intern } from "./interner.ts";
import type { Decision, Side, Sides } from "./sides.ts";

/** The callbacks and settings that merging an array takes from the enclosing merge. */
export interface ArrayMerge {
  /** The side whose value and order win if both sides changed the same place. */
  readonly prefer: Side;
  readonly intern: Intern;
  readonly budget: SearchBudget;
  /**
   * Merges one item, at its index in the merged array. `undefined` stands for a missing item. `isGuess` is true if
   * no key identifies the three as the same item.
   */
  readonly mergeItem: (index: number, sides: Sides<Json | undefined>, isGuess: boolean) => Json | undefined;
  /** Decides between the side that edited something and the other, which removed it. */
  readonly decideDeletion: (editor: Side) => Decision;
  /** Records that both sides moved an item, to different places. */
  readonly recordOrderOverlap: () => void;
  /** Records that both sides rewrote a run of items, which begins at an index of the merged array. */
  readonly recordRunOverlap: (index: number, run: Sides<readonly Json[]>, decision: Decision) => void;
}
