import { DOCUMENT_VALUES_MAX } from "./document-size.ts";

/**
 * The most values that an operation may copy, beyond its own content: as many as a document may have. Every merge
 * patch stays within this limit, and a JSON Patch does unless it copies large objects only to change the copies.
 */
export const OPERATION_VALUES_MAX = DOCUMENT_VALUES_MAX;
/** The most values that a run of held operations may copy when it is replayed. */
export const RUN_VALUES_MAX = 40 * OPERATION_VALUES_MAX;

/** The reason why an operation is refused before the work is done. */
export const TOO_COSTLY = `The operation would copy more than ${OPERATION_VALUES_MAX} values, which exceeds the limit`;

/** The remaining work, in values. It is counted, not timed, so that the limit is the same on every machine. */
export interface Budget {
  left: number;
}

/** Takes work from the budget before it is done; returns false and takes none if too little is left. */
export function spend(budget: Budget, values: number): boolean {
  if (values > budget.left) return false;
  budget.left -= values;
  return true;
}
