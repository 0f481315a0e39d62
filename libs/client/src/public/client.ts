import type { Cursor, Query, LiveQuery } from "./query.ts";
import type {
  DeepPartial,
  DocumentStatus,
  Snapshot,
  Store,
  Unsubscribe,
  WriteOptions,
  Written,
} from "./documents.ts";
import type { DocumentOf, Schema } from "./options.ts";
import type {
  BatchInfo,
  ConflictDetails,
  Decision,
  Effect,
  Outcome,
  ParkedConflict,
  PendingOperation,
} from "./outcomes.ts";
import type {
  ClientSnapshot,
  ClientStatus,
  OperationStory,
  Statistics,
  SyncSummary,
  WorkspaceStatus,
} from "./status.ts";

export type { Cursor, DocumentStatus };

/** The events of a client, by name. */
export interface ClientEvents {
  status: ClientStatus;
  written: { workspace: string; ids: readonly string[] };
  sent: {
    workspace: string;
    batch: string;
    operations: number;
    status: BatchInfo["status"];
    requestId: string | undefined;
  };
  settled: { workspace: string; ids: readonly string[] };
  merged: {
    workspace: string;
    collection: string;
    id: string;
    conflictId: string | undefined;
    overlaps: number;
  };
  conflict: { workspace: string; conflict: ParkedConflict };
  outcome: { workspace: string; outcome: Outcome };
  pulled: { workspace: string; changes: number };
  accessLost: { workspace: string; outcomes: readonly Outcome[] };
  signedOut: { reason: string };
  storageFull: { workspace: string };
  stalled: { workspace: string; snapshot: ClientSnapshot };
  protocolError: { workspace: string; requestId: string | undefined; detail: string | undefined };
}

export interface Client<S extends Schema> {
  /** Resolves once the storage is open. Reads and writes wait for it by themselves. */
  readonly ready: Promise<void>;
  workspace(id: string): Workspace<S>;
  readonly status: Store<ClientStatus>;
  readonly statistics: () => Statistics;
  /** Sends, pulls, and tells the outcome. Tries even if the device believes to be offline (R17). */
  syncNow(options?: { signal?: AbortSignal }): Promise<SyncSummary>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends all work and closes the storage. Waits for requests in flight. */
  stop(): Promise<void>;
  explain(operationId: string): Promise<OperationStory>;
  inspect(): Promise<ClientSnapshot>;
  on<E extends keyof ClientEvents>(event: E, listener: (data: ClientEvents[E]) => void): Unsubscribe;
}

export interface Workspace<S extends Schema> {
  collection<K extends keyof S & string>(name: K): Collection<DocumentOf<S[K]>>;
  /** Makes the writes of `work` one group: they take effect together or not at all. `work` is synchronous. */
  transaction<R>(work: (tx: Tx<S>) => R, options?: WriteOptions): Promise<Written<R>>;
  readonly status: Store<WorkspaceStatus>;
  readonly pending: Store<readonly PendingOperation[]>;
  readonly batches: Store<readonly BatchInfo[]>;
  /** Resolves to `false` if the operation may have been sent. */
  cancel(operationId: string): Promise<boolean>;
  /** Newest first. */
  readonly outcomes: Store<readonly Outcome[]>;
  acknowledge(outcomeId: string): Promise<void>;
  /** Writes the operations of an outcome anew, on the documents as they are now. */
  retry(outcomeId: string, edit?: (effect: Effect) => Effect): Promise<Written>;
  readonly conflicts: Store<readonly ParkedConflict[]>;
  conflict(id: string): Promise<ConflictDetails>;
  /** Stores the decision and sends it when the network allows. Its end is an outcome if it came too late. */
  resolve(id: string, decision: Decision): Promise<Written>;
}

export interface Collection<T> {
  get(id: string): Promise<Snapshot<T> | undefined>;
  query(query?: Query<T>): LiveQuery<T>;
  /** Makes a document; without an `id` it gets a UUIDv7. */
  create(document: T & { id?: string }, options?: WriteOptions): Promise<Written<string>>;
  put(id: string, document: T, options?: WriteOptions): Promise<Written>;
  /** Changes a document: a merge patch, or a function that edits a draft. A change that changes nothing writes nothing. */
  update(id: string, change: DeepPartial<T> | ((draft: T) => void), options?: WriteOptions): Promise<Written>;
  delete(id: string, options?: WriteOptions): Promise<Written>;
  watch(id: string): Store<Snapshot<T> | undefined>;
}

/** The writes of a transaction, by collection. Reads see the writes before them. */
export type Tx<S extends Schema> = { readonly [K in keyof S & string]: TxCollection<DocumentOf<S[K]>> };

export interface TxCollection<T> {
  create(document: T & { id?: string }): string;
  put(id: string, document: T): void;
  update(id: string, change: DeepPartial<T> | ((draft: T) => void)): void;
  delete(id: string): void;
}
