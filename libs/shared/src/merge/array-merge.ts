import type { Json } from "../json/json.ts";
import type { SearchBudget } from "./common-subsequence.ts";
import type { Intern } from "./interner.ts";
import type { Decision, Side, Sides } from "./sides.ts";

/** What merging an array asks of the merge that it is part of. */
export interface ArrayMerge {
  /** Whose value and order stand where both sides changed the same place. */
  readonly prefer: Side;
  readonly intern: Intern;
  readonly budget: SearchBudget;
  /**
   * Merges one item, at its index in the merged array; `undefined` stands for an item that is not there. It is a guess
   * that the three are the same item if nothing identifies it.
   */
  readonly mergeItem: (index: number, sides: Sides<Json | undefined>, isGuess: boolean) => Json | undefined;
  /** Decides between the side that edited something and the other, which removed it. */
  readonly decideDeletion: (editor: Side) => Decision;
  /** Records that both sides moved an item, to different places. */
  readonly recordOrderOverlap: () => void;
  /** Records that both sides rewrote a run of items, which begins at an index of the merged array. */
  readonly recordRunOverlap: (index: number, run: Sides<readonly Json[]>, decision: Decision) => void;
}
