import type { Shape } from "./load/shape.ts";
import type { LoadProcess } from "./load/load-process.ts";
import type { ProcessGroups } from "./measure/process-cpu.ts";
import type { HeldDatabase } from "./proxy/hold-database.ts";
import type { Stores } from "./database/stores.ts";

/** One of those that are measured against each other. */
export interface Contender {
  readonly name: string;
  start(stores: Stores, shape: Shape): Promise<RunningContender>;
}

/** What was sent so far. */
export interface Sent {
  readonly requests: number;
  readonly operations: number;
}

export interface RunningContender {
  readonly name: string;
  readonly shape: Shape;
  readonly load: LoadProcess;
  /** All processes that do its work, the load and the stores included. */
  readonly processes: ProcessGroups;
  /**
   * Looks into the database.
   * @throws unless exactly what was sent since the start is there
   */
  verify(sent: Sent): Promise<void>;
  /** Where it is reached by way of a proxy. */
  readonly database?: HeldDatabase;
  stop(): Promise<void>;
}
