import type { MergeOptions } from "./merge-three-way.ts";

/** Merge settings of a collection, independent of the strategy: the strategy alone decides the preferred side. */
export type MergePolicy = Omit<MergeOptions, "prefer" | "times">;
