/**
 * Typed requests to a Syncline server, for scripts and adapters. Every expected failure is a value.
 *
 * @packageDocumentation
 */
export type * from "./answer.ts";
export * from "./batches.ts";
export * from "./conflicts.ts";
export type * from "./connection.ts";
export * from "./documents.ts";
export * from "./events.ts";
export * from "./feed.ts";
export * from "./operations.ts";
export * from "./snapshot.ts";
export type * from "./wire.ts";
