import type { WorkBatch } from "../work/work.ts";

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

/** By name, so that a process can be told which. */
export const TARGETS = {
  limit: async (options: TargetOptions) => (await import("./limit.ts")).connectLimit(options),
  "limit-rmw": async (options: TargetOptions) => (await import("./limit-rmw.ts")).connectLimitRmw(options),
  "batch-api": async (options: TargetOptions) => (await import("./batch-api.ts")).connectBatchApi(options),
  parse: async (options: TargetOptions) => (await import("./parse.ts")).connectParse(options),
} satisfies Record<string, (options: TargetOptions) => Promise<Target>>;

export type TargetName = keyof typeof TARGETS;
