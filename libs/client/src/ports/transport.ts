import type { ConflictStrategy, Overlap } from "@syncline/shared/merge";
import type { JsonObject } from "@syncline/shared/document";
import type {
  BatchResult,
  ChangeBody,
  ChangesBody,
  DecisionChoice,
  DocumentBody,
  OperationResult,
  SentOperationBody,
} from "@syncline/shared/protocol";
import type { Answer } from "./answer.ts";

/** The conditions under which a request is made. */
export interface RequestContext {
  readonly token: string;
  /** Aborted when the engine no longer waits for the answer. */
  readonly signal: AbortSignal;
  /** To be called for each piece of the answer that arrives: the engine ends requests that are silent (R14). */
  onProgress(): void;
}

/** An operation as it is sent. */
export interface WireOperation extends SentOperationBody {
  priority?: "immediate" | "high" | "normal" | "low";
}

/** The body of a batch. */
export interface PushBatch {
  workspace_id: string;
  device_id: string;
  on_conflict?: ConflictStrategy;
  epoch?: string;
  operations: WireOperation[];
}

/** The status of a conflict, if a `behind_conflict` says it. */
export interface ConflictState {
  conflict_status?: "open" | "parked" | "reported" | "resolved";
}

export interface PushedResult extends Omit<OperationResult, "conflict_data"> {
  conflict_data?: Omit<NonNullable<OperationResult["conflict_data"]>, "conflict_status"> & ConflictState;
}

export interface PushAnswer extends Omit<BatchResult, "results"> {
  results: PushedResult[];
  /** The page of the feed that was asked for, read after the commit; absent if it cannot be read. */
  feed?: PullPage;
  /** By how many milliseconds a `timestamp` was in the future. */
  clock_skew_ms?: number;
}

/** A position in the feed, from which a page of it is asked for. */
export interface FeedPosition {
  readonly since: number;
  readonly epoch?: string;
  readonly limit: number;
  /** The `settled_next` of the page before. */
  readonly settledSince?: number;
}

export interface PullRequest extends FeedPosition {
  readonly workspace: string;
  /** Asks the server to wait that long for a change. */
  readonly waitSeconds?: number;
  /** Asks for the device's operations in each change, and for those that were settled without one. */
  readonly deviceId: string;
  readonly collections?: readonly string[];
}

export interface PulledChange extends ChangeBody {
  /** The operations of the asking device that the change contains or settles. Absent if the server does not tell. */
  client_ids?: string[];
}

export interface PullPage extends Omit<ChangesBody, "settled"> {
  changes: PulledChange[];
  /** Results of the asking device's operations that have become known since the page before. */
  settled?: PushedResult[];
}

export interface SnapshotRequest {
  readonly workspace: string;
  readonly after?: string;
  readonly limit: number;
  readonly collections?: readonly string[];
}

/** One page of a snapshot: its first line, its documents, and its last line. */
export interface SnapshotPage {
  readonly epoch: string;
  /** The feed continues from here; the same on all pages. */
  readonly seq: number;
  readonly documents: readonly DocumentBody[];
  /** The cursor of the next page; `null` after the last one. */
  readonly next: string | null;
  /** The number of documents of the whole snapshot, if the server tells it. */
  readonly count?: number;
}

export interface ListenRequest {
  readonly workspace: string;
  readonly since: number;
  readonly deviceId: string;
  readonly settledSince?: number;
  readonly epoch?: string;
  /** The id of the last event that was received; it takes precedence over `since`. */
  readonly lastEventId?: string;
  readonly collections?: readonly string[];
}

/** A conflict record as a listing or an event shows it. */
export interface ConflictRecord {
  conflict_id: string;
  collection: string;
  document_id: string;
  device_id: string;
  status: "open" | "parked" | "reported" | "resolved";
  current_version?: number;
  reason?: string | null;
  opened_at?: string;
  updated_at?: string;
}

export type StreamEvent =
  /** The server has accepted the stream: later changes come as events. */
  | { readonly kind: "open" }
  | { readonly kind: "change"; readonly change: PulledChange; readonly lastEventId?: string }
  | { readonly kind: "conflict"; readonly conflict: ConflictRecord; readonly lastEventId?: string }
  /** An operation of the asking device was settled, perhaps without a change. */
  | { readonly kind: "settled"; readonly clientId: string; readonly lastEventId?: undefined }
  /** An `id` without data: the position that was reached. */
  | { readonly kind: "position"; readonly lastEventId: string };

/** The reason that the server gave; `cut` if the stream ended without one. */
export interface StreamEnd {
  readonly reason: "tokenExpired" | "timeOver" | "stopping" | "cut";
}

/** A whole conflict record. */
export interface ConflictDocuments extends ConflictRecord {
  ancestor: JsonObject | null;
  remote: JsonObject | null;
  local: JsonObject | null;
  version: number;
  overlaps: Overlap[] | null;
  result?: JsonObject | null;
}

export interface DecisionRequest {
  readonly workspace: string;
  readonly conflictId: string;
  readonly body: {
    choice: DecisionChoice;
    data?: JsonObject | null;
    expected_version?: number;
    client_id: string;
  };
}

/**
 * The engine's only view of a server. Every method resolves to a typed {@link Answer}; bodies have the names of the
 * wire. Fields that the server does not send are absent.
 */
export interface Transport {
  /** Sends a batch and waits up to `waitSeconds` for its results. A failed atomic batch (409) is an answer, too. */
  push(
    request: { readonly batch: PushBatch; readonly waitSeconds: number; readonly feed?: FeedPosition },
    context: RequestContext,
  ): Promise<Answer<PushAnswer>>;
  /** Reads a batch that was answered without all results. */
  batch(request: { readonly batchId: string }, context: RequestContext): Promise<Answer<PushAnswer>>;
  pull(request: PullRequest, context: RequestContext): Promise<Answer<PullPage>>;
  snapshot(request: SnapshotRequest, context: RequestContext): Promise<Answer<SnapshotPage>>;
  /** Follows the event stream until it ends. Waits for `onEvent` before it reads on. */
  listen(
    request: ListenRequest,
    onEvent: (event: StreamEvent) => void | Promise<void>,
    context: RequestContext,
  ): Promise<Answer<StreamEnd>>;
  /** Lists the unresolved conflicts of a device, one page. */
  conflicts(
    request: {
      readonly workspace: string;
      readonly status: "parked" | "reported";
      readonly deviceId?: string;
      readonly before?: string;
    },
    context: RequestContext,
  ): Promise<Answer<{ conflicts: ConflictRecord[]; next: string | null }>>;
  conflict(
    request: { readonly workspace: string; readonly conflictId: string },
    context: RequestContext,
  ): Promise<Answer<ConflictDocuments>>;
  /** Previews the outcome of each choice. */
  preview(
    request: { readonly workspace: string; readonly conflictId: string },
    context: RequestContext,
  ): Promise<Answer<JsonObject>>;
  decide(request: DecisionRequest, context: RequestContext): Promise<Answer<PushAnswer>>;
  /** Reads the life of one operation. */
  operation(
    request: { readonly workspace: string; readonly clientId: string; readonly deviceId: string },
    context: RequestContext,
  ): Promise<Answer<JsonObject>>;
}
