export * from "./conflict-queue.ts";
export * from "./deployment-gate.ts";
export * from "./drain-queue.ts";
export * from "./merge-backoff-env.ts";
export * from "./retention-queue.ts";
export * from "./retry-metrics.ts";
