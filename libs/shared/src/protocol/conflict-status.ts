export const CONFLICT_STATUSES = ["open", "parked", "reported", "resolved"] as const;
