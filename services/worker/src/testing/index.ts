/**
 * The tables in memory, for the test server of the client.
 *
 * @packageDocumentation
 */
export { historyOfConflict } from "./history-of-conflict.ts";
export { MemoryTables, type PlainChange, type PlainPlan } from "./memory-tables.ts";
