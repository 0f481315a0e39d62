import type { Snapshot, Unsubscribe } from "./documents.ts";

type Scalar = string | number | boolean | null;

export interface Bounds<V> {
  readonly gt?: V;
  readonly gte?: V;
  readonly lt?: V;
  readonly lte?: V;
  readonly in?: readonly V[];
}

/** Conditions on top-level members; all must hold. */
export type Where<T> = {
  readonly [K in keyof T]?: (T[K] & Scalar) | Bounds<T[K] & Scalar>;
};

export type OrderBy<T> = { readonly [K in keyof T]?: "asc" | "desc" };

/** The position after a document of a result. */
export type Cursor = string;

export interface Query<T> {
  readonly where?: Where<T>;
  readonly filter?: (document: T) => boolean;
  /** Members in order of precedence. Documents that compare equal are in the order of their ids. */
  readonly orderBy?: OrderBy<T>;
  readonly limit?: number;
  /** Starts after the document with this id, which must be part of the result. */
  readonly after?: Cursor;
}

export interface LiveQuery<T> {
  get(): Promise<readonly Snapshot<T>[]>;
  /** Calls the listener with the result, and again when it has changed. */
  subscribe(listener: (result: readonly Snapshot<T>[]) => void): Unsubscribe;
  count(): Promise<number>;
}
