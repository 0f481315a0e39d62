/** The collection of an operation that names none. */
export const DEFAULT_COLLECTION = "documents";

export const OPERATION_KINDS = ["create", "put", "update", "delete"] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

export const PRIORITIES = ["immediate", "high", "normal", "low"] as const;
export type Priority = (typeof PRIORITIES)[number];
