export * from "./conflict-strategy.ts";
export type * from "./document-schema.ts";
export * from "./edit-times.ts";
export * from "./merge-policy.ts";
export * from "./merge-three-way.ts";
export * from "./policies.ts";
