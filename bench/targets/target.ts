import type { WorkBatch } from "../workload/workload.ts";

/** The load's destination and protocol. It runs in the load process. */
export interface Target {
  /** Builds as much of a request as possible before the clock runs. */
  prepare(batch: WorkBatch, connection: number): PreparedRequest;
  close(): Promise<void>;
}

/**
 * Sends a request, and waits until it is done.
 * @throws if any operation was answered wrongly: a fast wrong answer must not count
 */
export type PreparedRequest = () => Promise<void>;

export interface TargetOptions {
  readonly url: string;
  readonly connections: number;
  /** The target's own options. */
  readonly own: Readonly<Record<string, unknown>>;
}
