export * from "./apply-operation.ts";
export * from "./apply-run.ts";
export * from "./apply-to-data.ts";
export * from "./merge-by-strategy.ts";
export * from "./merge-document.ts";
export * from "./merge-run.ts";
export * from "./raise-run.ts";
