export * from "./apply-effect.ts";
export * from "./fold-operations.ts";
export * from "./yjs-places.ts";
