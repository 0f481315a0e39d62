export * from "./conflict-strategy.ts";
export * from "./edit-times.ts";
export * from "./merge-policy.ts";
export * from "./merge-three-way.ts";
export * from "./policies.ts";
export * from "./times-since.ts";
export * from "./yjs-places.ts";
