import { DOCUMENT_VALUES_MAX } from "../json/document-size.ts";

/**
 * Most values that an operation may copy, beyond what it brings itself: as many as a document may have. Every merge patch
 * stays within that, and a JSON Patch unless it copies large objects only to change the copies.
 */
export const OPERATION_VALUES_MAX = DOCUMENT_VALUES_MAX;
/** Most values that a run of held operations may copy when it is replayed. */
export const RUN_VALUES_MAX = 40 * OPERATION_VALUES_MAX;

/** Says why an operation is refused, or a run is left to a person, before the work is done. */
export const TOO_COSTLY = `This takes more work than an operation may cost: it would copy more than ${OPERATION_VALUES_MAX} values`;

/** The work that is left, in values. It is counted, not timed: what is too much is so on every machine. */
export interface Budget {
  left: number;
}

/** Takes the work from the budget before it is done; false, and nothing taken, if there is not enough left. */
export function spend(budget: Budget, values: number): boolean {
  if (values > budget.left) return false;
  budget.left -= values;
  return true;
}
