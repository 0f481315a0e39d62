export * from "./keep-yjs-states.ts";
export * from "./merge-yjs-states.ts";
export * from "./yjs-states.ts";
