import type { Json, JsonObject } from "@syncline/shared/document";
import type { ConflictStrategy } from "@syncline/shared/merge";
import type { DecisionChoice } from "@syncline/shared/protocol";
import type { Key } from "../ports/storage.ts";
import type { DocumentStatus } from "../public/documents.ts";
import type { Effect, Outcome, Priority } from "../public/outcomes.ts";
import type { OperationState } from "./operation-machine.ts";

/** The layout of the rows below. A newer one that is met in storage is not touched. */
export const LAYOUT_VERSION = 1;

/** A document as the server confirmed it. `data` is `null` for a tombstone. */
export interface Base {
  readonly version: number;
  readonly seq: number;
  readonly epoch: string;
  readonly data: JsonObject | null;
}

export interface DocumentRow {
  readonly collection: string;
  readonly id: string;
  readonly base: Base | null;
  /** A newer confirmed state that may contain an unanswered operation (R9). */
  readonly heldBack: Base | null;
  /** The last live base, if the base is a tombstone and an edit waits (R11). */
  readonly ghost: Base | null;
  /** Earlier bases that operations of the outbox were made on: the ancestors of merges. */
  readonly ancestors: readonly Base[];
  /** The view, if it differs from the base (R2); `null`: no document. */
  readonly view?: JsonObject | null;
  /** The version that the view shows, if that is an answered own write that the base does not have yet (R3). */
  readonly shown?: Anchor;
  readonly status: DocumentStatus;
  readonly conflictId?: string;
  /** Outcomes about the document that the app has not acknowledged. */
  readonly outcomes: readonly string[];
  /** The snapshot that last contained the document. */
  readonly generation: number;
}

/** The version that an edit was made on (R3). */
export interface Anchor {
  /** `null`: the edit names none. */
  readonly version: number | null;
  readonly epoch: string | null;
  /** The edit continues an own write that had no answer and no base: it takes the version of the answer. */
  readonly own?: true;
}

/** The part of a frozen operation that the effect does not have (R4). Never changes. */
export interface WireForm {
  readonly clientId: string;
  readonly deviceId: string;
  readonly expectedVersion?: number;
  /** The epoch of the version. */
  readonly epoch?: string;
  /** The highest `seq` that was known when it was frozen (R9). */
  readonly fence: number;
  readonly frozenAtMs: number;
}

/** Reports whether an operation waits for a person. It also does while it asks the server again for the decision. */
export function isUndecided({ state, conflictId }: Pick<Operation, "state" | "conflictId">): boolean {
  return state === "parked" || (state === "sent" && conflictId !== undefined);
}

/** A row of the outbox. */
export interface Operation {
  readonly n: number;
  /** Ids on the device: its own, and those of operations that were folded into it. */
  readonly ids: readonly string[];
  readonly state: Exclude<OperationState, "gone">;
  readonly collection: string;
  readonly documentId: string;
  readonly effect: Effect;
  readonly anchor: Anchor;
  readonly group?: string;
  readonly onConflict?: ConflictStrategy;
  readonly priority: Priority;
  readonly maxRetries: number;
  readonly note?: Json;
  readonly createdAtMs: number;
  /** The time of its newest member. */
  readonly editedAtMs: number;
  readonly wire?: WireForm;
  /** Requests that carried it. */
  readonly attempts: number;
  /** Answers that blame it. */
  readonly blamed: number;
  /** It is not sent before that time: a wait of its own. */
  readonly notBeforeMs?: number;
  /** The batch that was answered before it was final. */
  readonly batchId?: string;
  /** The strategy was refused once, and is no longer sent. */
  readonly strategyRefused?: true;
  /** From the answer. */
  readonly seq?: number;
  readonly version?: number;
  readonly merged?: true;
  readonly decided?: DecisionChoice;
  readonly conflictId?: string;
  /** A parked operation asks again from then on. */
  readonly askAtMs?: number;
  readonly lastRequestId?: string;
}

/** A row of the outcomes. */
export interface OutcomeRow extends Outcome {
  readonly n: number;
  readonly steps: readonly { readonly atMs: number; readonly step: string; readonly requestId?: string }[];
}

/** A person's decision that waits for the network. */
export interface DecisionRow {
  readonly id: string;
  readonly conflictId: string;
  readonly clientId: string;
  readonly choice: DecisionChoice;
  readonly data?: JsonObject | null;
  readonly version?: number;
  readonly createdAtMs: number;
}

/** The row of `meta` that a workspace has. */
export interface WorkspaceRow {
  readonly epoch: string | null;
  /** The feed was read up to here; `null` before the first snapshot ended. */
  readonly checkpoint: number | null;
  /** The highest `seq` that was seen in any answer; fences are made of it. */
  readonly knownSeq: number;
  readonly generation: number;
  /** Up to here the outcomes of the device's operations were read; `null`: behind the checkpoint. */
  readonly settledSince: number | null;
  /** A snapshot that is being read. */
  readonly snapshot: {
    readonly cursor: string | null;
    readonly seq: number;
    readonly epoch: string;
    readonly done: number;
    readonly total?: number;
  } | null;
  readonly paused: boolean;
  readonly attempt: number;
  /** The stored wait after a failure. */
  readonly retryAtMs: number;
  readonly decisions: readonly DecisionRow[];
  readonly lastSyncAtMs?: number;
}

export const NEW_WORKSPACE: WorkspaceRow = {
  epoch: null,
  checkpoint: null,
  knownSeq: 0,
  generation: 1,
  settledSince: null,
  snapshot: null,
  paused: false,
  attempt: 0,
  retryAtMs: 0,
  decisions: [],
};

/** The row of `meta` that the database has. */
export interface DeviceRow {
  readonly deviceId: string;
  readonly account: string | null;
  readonly layout: number;
}

export const KEYS = {
  device: ["device"] as Key,
  /** Each commit of the engine expects the leader's token to be its own (R16). */
  leader: ["leader"] as Key,
  workspace: (workspace: string): Key => ["workspace", workspace],
  document: (workspace: string, collection: string, id: string): Key => [workspace, collection, id],
  operation: (workspace: string, n: number): Key => [workspace, n],
  outcome: (workspace: string, n: number): Key => [workspace, n],
};

/** A document's key within its workspace. Ids have no control characters. */
export function nameOf(of: { collection: string } & ({ documentId: string } | { id: string })): string {
  return `${of.collection}\n${"documentId" in of ? of.documentId : of.id}`;
}
