/** One of the two that changed a document since their common ancestor. */
export type Side = "remote" | "local";

/** One value for each of the three documents of a merge. */
export interface Sides<T> {
  readonly ancestor: T;
  readonly remote: T;
  readonly local: T;
}

/** One value for each side, and for the ancestor if it is known. */
export interface EditedSides<T> {
  readonly ancestor: T | undefined;
  readonly remote: T;
  readonly local: T;
}

/** The decision at a place that both sides changed. */
export interface Decision {
  /** The side whose value wins. */
  readonly chosen: Side;
  /** True if the decision only applies until a person decides. */
  readonly undecided?: true;
}
