export * from "./merge-text.ts";
export * from "./merge-version.ts";
export * from "./value-merges.ts";
