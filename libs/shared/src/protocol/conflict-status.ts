export const CONFLICT_STATUSES = ["open", "parked", "reported", "resolved"] as const;
/**
 * The status of a conflict record: `open` while it is merged, `parked` while it waits for a person, `reported` if it was
 * only told to the device, `resolved` at its end.
 */
export type ConflictStatus = (typeof CONFLICT_STATUSES)[number];
