import type { ClientErrorCode } from "./errors.ts";

/** A fault that a status shows. */
export interface SyncError {
  readonly code: ClientErrorCode;
  readonly message: string;
  readonly requestId?: string;
}

export type EngineStatus = "idle" | "syncing" | "offline" | "failed" | "paused" | "signedOut";

export interface WorkspaceStatus {
  readonly engine: EngineStatus;
  readonly role: "leader" | "follower";
  readonly pending: number;
  readonly sending: number;
  readonly parked: number;
  /** Outcomes that are not acknowledged. */
  readonly outcomes: number;
  /** Documents whose newer state waits for an answer. */
  readonly heldBack: number;
  readonly pull: {
    readonly phase: "none" | "snapshot" | "catchingUp" | "live" | "polling";
    readonly done: number;
    readonly total?: number;
  };
  readonly push: { readonly done: number; readonly total: number };
  readonly lastSyncAtMs?: number;
  readonly nextAttemptAtMs?: number;
  readonly oldestPendingAtMs?: number;
  readonly error?: SyncError;
}

/** The worst engine state of all workspaces, and sums. */
export interface ClientStatus {
  readonly engine: EngineStatus;
  readonly pending: number;
  readonly parked: number;
  readonly outcomes: number;
  readonly error?: SyncError;
}

/** The end of a `syncNow`. */
export interface SyncSummary {
  readonly sent: number;
  readonly applied: number;
  readonly merged: number;
  readonly refused: number;
  readonly pulled: number;
  /** Operations that still wait. */
  readonly pending: number;
  readonly error?: SyncError;
}

/** Counters since the client was created. */
export interface Statistics {
  readonly operations: {
    made: number;
    folded: number;
    sent: number;
    applied: number;
    merged: number;
    refused: number;
  };
  readonly requests: number;
  readonly bytesSent: number;
  readonly retries: number;
  readonly operationsPerBatch: number;
  /** From the write to the answer. */
  readonly writeToAppliedMs: { p50: number; p95: number };
  readonly queueMax: number;
  readonly manualSyncs: number;
}

/** Counts and states without documents, for bug reports. */
export interface ClientSnapshot {
  readonly account: string | null;
  readonly deviceId: string;
  readonly workspaces: Readonly<Record<string, WorkspaceStatus & { epoch?: string; checkpoint?: number }>>;
  readonly statistics: Statistics;
}

/** The way of one operation, oldest first. */
export interface OperationStory {
  readonly id: string;
  readonly state: "queued" | "sent" | "acked" | "parked" | "ended" | "unknown";
  readonly steps: readonly { readonly atMs: number; readonly step: string; readonly requestId?: string }[];
  /** The reason why it has not been sent or has not ended, if it has not. */
  readonly waitsFor?: string;
  /** The server's view of it, if it can be asked. */
  readonly server?: Readonly<Record<string, unknown>>;
}
