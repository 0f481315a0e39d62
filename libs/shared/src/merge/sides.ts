/** One of the two that changed a document since their common ancestor. */
export type Side = "remote" | "local";

/** The same thing in the three documents of a merge. */
export interface Sides<T> {
  readonly ancestor: T;
  readonly remote: T;
  readonly local: T;
}

/** The same thing as both sides have it, and as it was before where that is known. */
export interface EditedSides<T> {
  readonly ancestor: T | undefined;
  readonly remote: T;
  readonly local: T;
}

/** What was decided where both sides changed one place. */
export interface Decision {
  /** Whose value stands. */
  readonly chosen: Side;
  /** It stands only until a person decides. */
  readonly undecided?: true;
}
