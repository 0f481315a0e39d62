import type { Shape } from "./load/shape.ts";
import type { LoadProcess } from "./load/load-process.ts";
import type { ProcessGroups } from "./measure/process-cpu.ts";
import type { HeldDatabase } from "./proxy/hold-database.ts";
import type { Stores } from "./database/stores.ts";

/** One of the measured alternatives. */
export interface Contender {
  readonly name: string;
  start(stores: Stores, shape: Shape): Promise<RunningContender>;
}

/** The operations sent so far. */
export interface Sent {
  readonly requests: number;
  readonly operations: number;
}

export interface RunningContender {
  readonly name: string;
  readonly shape: Shape;
  readonly load: LoadProcess;
  /** All processes that do the contender's work, including the load and the stores. */
  readonly processes: ProcessGroups;
  /**
   * Checks the database.
   * @throws unless it holds exactly the operations sent since the start
   */
  verify(sent: Sent): Promise<void>;
  /** Set if the contender reaches its database through a proxy. */
  readonly database?: HeldDatabase;
  stop(): Promise<void>;
}
