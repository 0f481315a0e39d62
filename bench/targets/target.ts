import type { WorkBatch } from "../workload/workload.ts";

/** Whom the load speaks to, and how. It runs in the load's process. */
export interface Target {
  /** Makes all of a request that can be made before the clock runs. */
  prepare(batch: WorkBatch, connection: number): PreparedRequest;
  close(): Promise<void>;
}

/**
 * Sends a request, and waits until it is done.
 * @throws where any operation was not answered as it must be: a fast wrong answer counts for nothing
 */
export type PreparedRequest = () => Promise<void>;

export interface TargetOptions {
  readonly url: string;
  readonly connections: number;
  /** What else a target needs, in its own words. */
  readonly own: Readonly<Record<string, unknown>>;
}
