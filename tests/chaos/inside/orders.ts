/** An order from the run to a service's preload. */
export type Order = { kind: "clock"; shiftMs: number } | { kind: "memory" };

/** The first message of a preload. */
export interface Hello {
  pid: number;
}

/** The answer to the order `memory`, taken after a garbage collection. */
export interface Memory {
  heapBytes: number;
  externalBytes: number;
}
