import type { Shape } from "./shape.ts";
import type { Quantiles } from "../measure/quantiles.ts";
import type { TargetName } from "../targets/index.ts";
import type { Ground } from "../workload/documents.ts";
import type { WorkKind } from "../workload/workload.ts";

/** The messages to the load process, and its answers. */
export interface Connect {
  readonly do: "connect";
  readonly target: TargetName;
  readonly url: string;
  readonly own: Readonly<Record<string, unknown>>;
  readonly shape: Shape;
  readonly ground: Ground;
  readonly work: WorkKind;
  readonly seed: number;
}

/** Prepares this number of requests, over all connections together. */
export interface Prepare {
  readonly do: "prepare";
  readonly requests: number;
}

/** Every connection sends its next request as soon as the last one was answered. */
export interface RunClosed {
  readonly do: "run closed";
  readonly durationMs: number;
}

/** Requests come at random times, at a rate, whether or not earlier ones were answered. */
export interface RunOpen {
  readonly do: "run open";
  readonly durationMs: number;
  readonly requestsPerSecond: number;
}

export type LoadRequest = Connect | Prepare | RunClosed | RunOpen;

export interface LoadResult {
  readonly requests: number;
  readonly operations: number;
  /** From the first request to the last answer. */
  readonly elapsedMs: number;
  /** Per request; in an open run from the due time, including the wait for a connection. */
  readonly latencyMs: Quantiles;
}

export type LoadAnswer =
  | { readonly ok: true; readonly result?: LoadResult | undefined }
  | { readonly ok: false; readonly message: string };
