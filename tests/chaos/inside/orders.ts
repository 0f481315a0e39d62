/** What a run tells a service's preload. */
export type Order = { kind: "clock"; shiftMs: number } | { kind: "memory" };

/** The first thing that a preload says. */
export interface Hello {
  pid: number;
}

/** The answer to the order `memory`, taken after a collection of garbage. */
export interface Memory {
  heapBytes: number;
  externalBytes: number;
}
