export * from "./coalesce.ts";
export * from "./env.ts";
export * from "./in-slices.ts";
export * from "./lifecycle.ts";
export * from "./load-module.ts";
export * from "./readiness-check.ts";
export * from "./repeat.ts";
export * from "./store-metrics.ts";
