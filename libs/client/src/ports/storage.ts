export type StoreName = "documents" | "index" | "outbox" | "outcomes" | "meta" | "blobs";

export type KeyPart = string | number;
/** Keys compare part by part; numbers precede strings, and a key precedes those that continue it. */
export type Key = readonly KeyPart[];

export interface Row {
  readonly key: Key;
  /** Changes with each write of the row. A row that is deleted and written anew never gets an old revision back. */
  readonly revision: number;
  /** JSON, bytes (a `Uint8Array`), or `undefined` for a row that is only a key. */
  readonly value: unknown;
}

/** The rows whose keys begin with `prefix`, within the bounds of the next part. A bound leaves out the key that is just the prefix. */
export interface KeyRange {
  readonly prefix: Key;
  readonly from?: KeyPart;
  readonly to?: KeyPart;
  /** The bound itself is left out. */
  readonly fromOpen?: boolean;
  readonly toOpen?: boolean;
}

export type Change =
  | { readonly kind: "put"; readonly store: StoreName; readonly key: Key; readonly value: unknown }
  | { readonly kind: "delete"; readonly store: StoreName; readonly key: Key };

/** A row that was read; `revision` is `null` if there was none. */
export interface Expected {
  readonly store: StoreName;
  readonly key: Key;
  readonly revision: number | null;
}

export interface CommitOptions {
  /** `strict` survives a loss of power; `relaxed` may lose the last commits then, but never parts of one. */
  readonly durability?: "strict" | "relaxed";
}

/**
 * The device's database. It is not interactive: a caller reads, computes, and then commits in one call, which takes
 * effect only if no expected row has changed since.
 */
export interface Storage {
  /** Opens the database of that name. Rejects with `storageTooNew` if a newer layout wrote it. */
  open(name: string, layout: number): Promise<void>;
  get(store: StoreName, keys: readonly Key[]): Promise<(Row | undefined)[]>;
  /** Rows in the order of their keys. */
  range(
    store: StoreName,
    range: KeyRange,
    options?: { readonly limit?: number; readonly reverse?: boolean },
  ): Promise<Row[]>;
  /** Makes all changes or none. `changed`: an expected row has another revision, and nothing was written. */
  commit(
    changes: readonly Change[],
    expect: readonly Expected[],
    options?: CommitOptions,
  ): Promise<"committed" | "changed">;
  estimate(): Promise<{ usage?: number; quota?: number }>;
  close(): Promise<void>;
  /** Deletes the database. */
  destroy(): Promise<void>;
}
