/** The ways to decide if both sides changed the same place. */
export const CONFLICT_STRATEGIES = [
  "merge",
  "report",
  "client-wins",
  "server-wins",
  "last-write-wins",
  "manual",
] as const;
export type ConflictStrategy = (typeof CONFLICT_STRATEGIES)[number];
