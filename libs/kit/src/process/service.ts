import type { Logger } from "../telemetry/log.ts";
import type { Lifecycle } from "./lifecycle.ts";

/** A starting or running service, for the parts that it is composed of. */
export interface Service extends Pick<Lifecycle, "own" | "isRunning" | "fail"> {
  log: Logger;
  /** Logs that a connection to a store failed; connections retry by themselves. */
  onConnectionError: (error: Error) => void;
  /** Runs a task at intervals until the service stops. A failed run is logged, and the next one follows. */
  repeat(task: string, run: () => Promise<void>, intervalMs: number): void;
}
