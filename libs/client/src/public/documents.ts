import type { Json } from "@syncline/shared/document";
import type { ConflictStrategy } from "@syncline/shared/merge";
import type { Outcome, Priority } from "./outcomes.ts";

/**
 * `local`: the server does not have it yet; `modified`: it has an older state; `conflict`: a person has to decide;
 * `failed`: an edit of it ended with an outcome that the app has not acknowledged.
 */
export type DocumentStatus = "local" | "modified" | "synced" | "conflict" | "failed";

/** A document as the app sees it: with its own edits, confirmed or not. */
export interface Snapshot<T> {
  readonly id: string;
  readonly data: T;
  readonly status: DocumentStatus;
  /** The version that the server last confirmed to this device. */
  readonly version?: number;
  readonly conflictId?: string;
}

export interface WriteOptions {
  /** Default `normal`. `immediate` and `high` are sent without waiting for further writes. */
  readonly priority?: Priority;
  readonly onConflict?: ConflictStrategy;
  /** Answers that blame the operation before it becomes an outcome. Default: the preset's. */
  readonly maxRetries?: number;
  /** Kept with the operation, and not sent. */
  readonly note?: Json;
}

/** A write that is stored. */
export interface Written<R = void> {
  /** The ids of its operations on this device. */
  readonly ids: readonly string[];
  readonly value: R;
  /** Resolves once the server's answer is part of the documents. Does not survive a reload; outcomes do. */
  readonly settled: Promise<Outcome>;
}

export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T;

/** A value that the app reads and that tells when it has changed; fits React's `useSyncExternalStore`. */
export interface Store<T> {
  /** Returns the same object as long as nothing has changed. */
  get(): T;
  subscribe(listener: () => void): Unsubscribe;
}

export type Unsubscribe = () => void;
